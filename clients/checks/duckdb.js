// DuckDB reads every collection as CSV, guessing which columns are numbers, days and times, and as Parquet, by the types that are in the file.
import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { DuckDBInstance } from '@duckdb/node-api'
import { base, collections, columns, guarded, rows, same, scratch } from '../lib/api.js'

const duckdb = await (await DuckDBInstance.create(':memory:')).connect()
await duckdb.run("set timezone = 'UTC'")

/** Downloads a collection: DuckDB's own reading over HTTP is an extension that would have to be fetched. */
async function download(name, form) {
  const response = await fetch(`${base}/v1/${name}.${form}`)
  assert.equal(response.status, 200, `${name}.${form}: ${response.status} ${response.ok ? '' : await response.text()}`)
  const file = join(scratch, `${name}.${form}`)
  await writeFile(file, Buffer.from(await response.arrayBuffer()))
  return file
}

const select = async sql => (await duckdb.runAndReadAll(sql)).getColumnsObjectJson()

/** The values of a table as DuckDB prints them, and the types of its columns. */
async function read(from) {
  const described = await select(`describe select * from ${from}`)
  const types = Object.fromEntries(described.column_name.map((name, i) => [name, described.column_type[i]]))
  const cells = Object.entries(types).map(([name, type]) => {
    const column = `"${name}"`
    // [] says that none is recorded: such a list is empty, and never unknown.
    if (type.endsWith('[]')) return `case when ${column} is null then 'null' else nullif(array_to_string(${column}, ';'), '') end as ${column}`
    if (type.startsWith('TIMESTAMP')) return `strftime(${column}, '%Y-%m-%dT%H:%M:%S.%f') as ${column}`
    return type === 'DATE' ? `${column}::varchar as ${column}` : column
  })
  return { types, values: await select(`select ${cells.join(', ')} from ${from}`) }
}

/** Integers come as texts where they have 64 bits. */
const numbers = (values, kinds) =>
  Object.fromEntries(Object.entries(values).map(([name, column]) => [name, kinds[name] === 'integer' ? column.map(v => (v === null ? null : Number(v))) : column]))

const instant = text => `${new Date(text).toISOString().slice(0, -1)}000` // microseconds, as %f has them

suite('DuckDB', () => {
  for (const name of collections) {
    const kinds = columns(name)
    test(`${name}.csv: every cell, integers and days recognized`, async () => {
      const wanted = await rows(name)
      const texts = Object.keys(kinds).filter(column => kinds[column] === 'text' || kinds[column] === 'list') // 046 is a code
      const file = await download(name, 'csv')
      const { types, values } = await read(`read_csv('${file}', types = {${texts.map(column => `'${column}': 'VARCHAR'`)}}, sample_size = -1)`)
      const guessed = { integer: /^BIGINT$/, number: /^DOUBLE$/, day: /^DATE$/, time: /^TIMESTAMP/, boolean: /^BOOLEAN$/ }
      for (const [column, kind] of Object.entries(kinds)) {
        const known = wanted.some(row => row[column] !== null) // of a column without any value nothing can be guessed
        if (known && guessed[kind]) assert.match(types[column], guessed[kind], column)
      }
      same(numbers(values, kinds), wanted, kinds, (v, kind) => (kind === 'time' ? instant(v) : kind === 'text' ? guarded(String(v)) : v))
    })
    test(`${name}.parquet: every cell, and the types of the columns`, async () => {
      const typed = { integer: /^(INTEGER|BIGINT)$/, number: /^DOUBLE$/, day: /^DATE$/, time: /^TIMESTAMP/, boolean: /^BOOLEAN$/, text: /^(VARCHAR|ENUM)/, list: /^VARCHAR(\[\])?$/ }
      const { types, values } = await read(`read_parquet('${await download(name, 'parquet')}')`)
      for (const [column, kind] of Object.entries(kinds)) assert.match(types[column], typed[kind], column)
      same(numbers(values, kinds), await rows(name), kinds, (v, kind) => (kind === 'time' ? instant(v) : kind === 'text' ? String(v) : v))
    })
  }

  test('a query over the CSV: the sum of each direction by year is that of /totals', async () => {
    const wanted = (await (await fetch(`${base}/v1/prisoner-exchanges/totals?by=year`)).json()).data.filter(t => t.records > 0)
    const sums = await select(`select year(date) as y, "from", "to", count(*) as n, sum(total) as total from read_csv('${await download('prisoner-exchanges', 'csv')}') group by all`)
    const key = (...parts) => parts.join(' ')
    assert.ok(wanted.length > 2)
    assert.deepEqual(
      new Set(sums.y.map((y, i) => key(y, sums.from[i], sums.to[i], sums.n[i], sums.total[i]))),
      new Set(wanted.map(t => key(t.period, t.from, t.to, t.records, t.total))),
    )
  })
})
