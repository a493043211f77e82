// pandas reads every collection as CSV and NDJSON.
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { base, collections, columns, guarded, records, rows, same } from '../lib/api.js'
import { read } from '../lib/program.js'

const tables = Object.fromEntries(collections.map(name => [name, columns(name)]))
const script = new URL('../readers/frames.py', import.meta.url).pathname
const frames = await read('/usr/bin/python3', [script, base], { input: tables })

suite('pandas', () => {
  for (const name of collections) {
    test(`${name}.csv: every cell, integers nullable, days as dates`, async () => {
      const { types, values } = frames[name].csv
      for (const [column, kind] of Object.entries(tables[name])) {
        assert.equal(types[column], { integer: 'Int64', number: 'Float64', boolean: 'boolean', day: 'datetime64[ns]' }[kind] ?? 'string', column)
      }
      same(values, await rows(name), tables[name], (v, kind) => (kind === 'text' ? guarded(String(v)) : v))
    })
    test(`${name}.ndjson: how many records, and how many unknown values`, async () => {
      const all = await records(name)
      assert.equal(frames[name].ndjson.records, all.length)
      for (const field of Object.keys(all[0])) {
        assert.equal(frames[name].ndjson.unknown[field], all.filter(r => r[field] === null).length, field)
      }
    })
  }
  test('prisoner-exchanges.csv read without any option: sums, and empty is not zero', async () => {
    const all = await rows('prisoner-exchanges')
    const known = all.map(r => r.civilians).filter(v => v !== null)
    assert.ok(known.includes(0) && known.length < all.length, 'there is a zero and an unknown to tell apart')
    assert.deepEqual(frames['prisoner-exchanges'].naive, {
      rows: all.length,
      unknown: all.length - known.length,
      zeros: known.filter(v => v === 0).length,
      sum: known.reduce((a, b) => a + b, 0),
    })
  })
})
