// R reads every collection as CSV, and JSON with jsonlite.
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { base, collections, columns, guarded, records, rows, same } from '../lib/api.js'
import { read } from '../lib/program.js'

const tables = Object.fromEntries(collections.map(name => [name, columns(name)]))
const script = new URL('../readers/frames.R', import.meta.url).pathname
const frames = await read('Rscript', ['--vanilla', script, base], { input: tables })

const classes = { integer: 'integer', number: 'numeric', boolean: 'logical', day: 'Date' }

suite('R', () => {
  for (const name of collections) {
    test(`${name}.csv: every cell, integers and dates, NA where unknown`, async () => {
      const { types, values } = frames[name].csv
      for (const [column, kind] of Object.entries(tables[name])) assert.equal(types[column], classes[kind] ?? 'character', column)
      same(values, await rows(name), tables[name], (v, kind) => (kind === 'text' ? guarded(String(v)) : v))
    })
    test(`${name} by jsonlite: how many records, and how many unknown values`, async () => {
      const page = (await records(name)).slice(0, 1000)
      assert.equal(frames[name].json.records, page.length)
      for (const field of Object.keys(page[0])) {
        if (page.every(r => typeof r[field] !== 'object' || r[field] === null)) {
          assert.equal(frames[name].json.unknown[field], page.filter(r => r[field] === null).length, field)
        }
      }
    })
  }
  test('transfers nested in JSON, bound to one data frame: sums by direction, and empty is not zero', async () => {
    const wanted = {}
    for (const row of await rows('prisoner-exchanges')) {
      const sum = (wanted[`${row.from}-${row.to}`] ??= { total: 0, unknown: 0, zeros: 0 })
      sum.total += row.total ?? 0
      sum.unknown += row.total === null ? 1 : 0
      sum.zeros += row.total === 0 ? 1 : 0
    }
    assert.ok(Object.values(wanted).some(sum => sum.zeros && sum.unknown) || Object.values(wanted).length > 1)
    assert.deepEqual(frames.transfers, wanted)
  })
})
