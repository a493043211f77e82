// datapackage validates the Frictionless description, and reads every table by the types that it gives.
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import frictionless from 'datapackage'
import { base, collections, columns, rows } from '../lib/api.js'

const types = { integer: 'integer', number: 'number', boolean: 'boolean', day: 'date', time: 'datetime' }

const description = await frictionless.Package.load(`${base}/v1/datapackage.json`)

/** A value as the JSON has it. Frictionless dates are in local time. */
function plain(value, kind) {
  if (!(value instanceof Date)) return value
  if (kind !== 'day') return value.getTime()
  return [value.getFullYear(), value.getMonth() + 1, value.getDate()].map(n => String(n).padStart(2, '0')).join('-')
}

suite('datapackage', () => {
  test('the description is valid and names every collection', () => {
    assert.deepEqual(description.errors.map(String), [])
    assert.ok(description.valid)
    assert.deepEqual(description.resourceNames.toSorted(), collections.toSorted())
  })
  for (const name of collections) {
    test(`${name}: every row is as its types say, and what is missing is null`, async () => {
      const resource = description.getResource(name)
      assert.ok(resource, `${name} is described`)
      const kinds = columns(name)
      for (const field of resource.schema.fields) assert.equal(field.type, types[kinds[field.name]] ?? 'string', field.name)
      const read = await resource.read({ keyed: true })
      const wanted = await rows(name)
      assert.equal(read.length, wanted.length)
      wanted.forEach((row, i) => {
        for (const [column, kind] of Object.entries(kinds)) {
          if (kind === 'text') assert.equal(read[i][column] === null, row[column] === null, column)
          else assert.equal(plain(read[i][column], kind), row[column] !== null && kind === 'time' ? new Date(row[column]).getTime() : row[column], `${column} in row ${i + 1}`)
        }
      })
    })
  }
})
