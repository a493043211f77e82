// hyparquet reads Parquet over HTTP ranges, as a page in a browser does: the footer first, then what a query needs.
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { asyncBufferFromUrl, parquetMetadataAsync, parquetReadObjects } from 'hyparquet'
import { base, collections, columns, rows, same } from '../lib/api.js'

/** A file by its address, and what was asked of it. */
async function open(url) {
  const asked = []
  const watched = async (...args) => {
    const response = await fetch(...args)
    const bytes = args[1]?.method === 'HEAD' ? 0 : Number(response.headers.get('content-length'))
    asked.push({ method: args[1]?.method ?? 'GET', range: new Headers(args[1]?.headers).get('range'), status: response.status, bytes })
    return response
  }
  return { file: await asyncBufferFromUrl({ url, fetch: watched }), asked }
}

/** A value as the JSON has it. */
function plain(value, kind) {
  if (value === null || value === undefined) return null
  if (Array.isArray(value)) return value.join(';') || null
  if (typeof value === 'bigint') return Number(value)
  if (value instanceof Date) return kind === 'day' ? value.toISOString().slice(0, 10) : value.toISOString()
  return value
}

suite('hyparquet', () => {
  for (const name of collections) {
    test(`${name}.parquet by ranges: every cell`, async () => {
      const { file, asked } = await open(`${base}/v1/${name}.parquet`)
      const metadata = await parquetMetadataAsync(file, { initialFetchSize: 4096 })
      const objects = await parquetReadObjects({ file, metadata })
      const gets = asked.filter(a => a.method === 'GET')
      assert.ok(gets.length > 1 && gets.every(a => a.status === 206 && a.range), `ranges: ${JSON.stringify(asked)}`)
      const kinds = columns(name)
      const read = Object.fromEntries(Object.entries(kinds).map(([column, kind]) => [column, objects.map(o => plain(o[column], kind))]))
      assert.deepEqual(metadata.schema.filter((_, i) => i > 0 && Object.keys(kinds).includes(metadata.schema[i].name)).length, Object.keys(kinds).length, 'columns in the file')
      same(read, await rows(name), kinds, (v, kind) => (kind === 'time' ? new Date(v).toISOString() : kind === 'text' ? String(v) : v))
    })
  }
  test('one column is read without the rest of the file', async () => {
    const { file, asked } = await open(`${base}/v1/reports.parquet`)
    const metadata = await parquetMetadataAsync(file, { initialFetchSize: 4096 })
    const objects = await parquetReadObjects({ file, metadata, columns: ['qualifier'] })
    assert.deepEqual(objects.map(o => o.qualifier), (await rows('reports')).map(r => r.qualifier))
    const moved = asked.filter(a => a.method === 'GET').reduce((sum, a) => sum + a.bytes, 0)
    assert.ok(moved > 0 && moved < file.byteLength / 2, `${moved} of ${file.byteLength} bytes`)
  })
})
