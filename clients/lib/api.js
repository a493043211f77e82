// What the API answers as JSON, page by page: what foreign readers of other forms must agree with.
import assert from 'node:assert/strict'
import { mkdtemp, readFile } from 'node:fs/promises'
import { isDeepStrictEqual } from 'node:util'
import { parse } from 'yaml'
import { repository } from './server.js'

/** The address of the server that clients/run.js has started, such as http://127.0.0.1:41234. */
export const base = process.env.PARLEY_CLIENTS_URL
assert(base, 'PARLEY_CLIENTS_URL is not set: checks are run by make test-clients')

// What was started by us ends when we exit: let signals be exits.
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1))

/** A folder for files that go when the checks have been run. */
export const scratch = await mkdtemp(`${process.env.PARLEY_CLIENTS_SCRATCH}/`)

/** Gets a JSON answer; target is an address or begins with a slash. */
export async function get(target, options) {
  const response = await fetch(new URL(target, base), options)
  const text = await response.text()
  assert.equal(response.status, 200, `${target}: ${response.status} ${text}`)
  return JSON.parse(text)
}

const walks = new Map()

/** All records of a list, by a walk through its pages. query begins with a question mark, or is empty. */
export function records(collection, query = '') {
  const first = `/v1/${collection}${query}${query ? '&' : '?'}limit=50`
  if (!walks.has(first)) walks.set(first, walk(first))
  return walks.get(first)
}

async function walk(next) {
  const all = []
  while (next) {
    const page = await get(next)
    all.push(...page.data)
    next = page.next
  }
  return all
}

/** The names of the collections, by the index. */
export const collections = (await get('/v1')).collections.map(c => c.name)

/** The contract as it is written, not as it is served. */
export const contractFile = `${repository}api/openapi.yaml`
export const contract = parse(await readFile(contractFile, 'utf8'))

/** What a part of the contract refers to, or is. */
export const resolve = schema => (schema.$ref ? schema.$ref.split('/').slice(1).reduce((at, key) => at[key], contract) : schema)

/** What a value is by its schema: integer, number, boolean, day, time, text, list (of texts) or nested. */
export function kind(schema) {
  if (schema.$ref) return kind(resolve(schema))
  if (schema.oneOf) return kind(schema.oneOf.find(s => s.type !== 'null'))
  const types = [schema.type].flat().filter(t => t !== 'null')
  if (types.length !== 1) return 'text' // a number or a text: a table has one type a column
  switch (types[0]) {
    case 'array':
      return kind(schema.items) === 'nested' ? 'nested' : 'list'
    case 'object':
      return 'nested'
    case 'string':
      return { date: 'day', 'date-time': 'time' }[schema.format] ?? 'text'
    default:
      return types[0]
  }
}

/** The nested lists (or the one nested object) of which a table has a row for each element, as the contract says under Forms. */
const rowsOf = {
  'prisoner-exchanges': 'transfers',
  'body-repatriations': 'transfers',
  proposals: 'targets',
  commitments: 'progress',
  claims: 'quantity',
}

/** Values of those parts that a table leaves out. */
const leftOut = { commitments: ['decided_on', 'in_words'] }

function properties(collection) {
  const page = resolve(contract.paths[`/v1/${collection}`].get.responses['200'].content['application/json'].schema)
  return resolve(page.properties.data.items).properties
}

function propertiesOfRows(collection) {
  const list = properties(collection)[rowsOf[collection]]
  if (!list) return {}
  const schema = (list.oneOf ?? [list]).map(resolve).find(s => s.type !== 'null')
  return resolve(schema.items ?? schema).properties
}

/** The columns of a collection as a table, by the contract: names to kinds. */
export function columns(collection) {
  const kinds = {}
  for (const [name, schema] of Object.entries({ ...propertiesOfRows(collection), ...properties(collection) })) {
    if (leftOut[collection]?.includes(name)) continue
    if (kind(schema) !== 'nested' || name === 'sources') kinds[name] = name === 'sources' ? 'list' : kind(schema)
  }
  return kinds
}

/**
 * The records of a collection as a table has them, by the JSON: a row for each element of the nested list, whose values
 * are null where there is none; lists joined by semicolons; of sources their ids.
 */
export async function rows(collection, query = '') {
  const nested = rowsOf[collection]
  const kinds = columns(collection)
  const own = properties(collection)
  return (await records(collection, query)).flatMap(record => {
    const parts = nested ? [record[nested] ?? []].flat() : [{}]
    return (parts.length ? parts : [{}]).map(part => {
      const row = {}
      for (const name in kinds) {
        const value = name in own ? record[name] : (part[name] ?? null)
        row[name] = Array.isArray(value) ? value.map(v => v.id ?? v).join(';') || null : value
      }
      return row
    })
  })
}

/** A text as CSV has it: what a spreadsheet would run as a formula has an apostrophe in front. */
export const guarded = value => (typeof value === 'string' && /^[=+\-@\t\r]/.test(value) ? `'${value}` : value)

/**
 * Compares a table that a foreign reader read with the JSON. read is its columns, names to values; value makes what
 * the reader should have of a value of the JSON, given the kind of the column. names are the columns that must be there.
 */
export function same(read, wanted, kinds, value = v => v) {
  assert.ok(wanted.length > 0, 'there is nothing to compare')
  assert.deepEqual(Object.keys(read).sort(), Object.keys(kinds).sort(), 'the columns')
  for (const [name, kind] of Object.entries(kinds)) {
    const cells = wanted.map(row => (row[name] === null ? null : value(row[name], kind)))
    assert.equal(read[name].length, cells.length, `rows of ${name}`)
    const i = cells.findIndex((cell, at) => !isDeepStrictEqual(read[name][at], cell))
    if (i >= 0) assert.deepEqual(read[name][i], cells[i], `${name} in row ${i + 1}, of ${JSON.stringify(wanted[i].id)}`)
  }
}
