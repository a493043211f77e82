// GDAL reads GeoJSON.
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { base, collections, columns, records } from '../lib/api.js'
import { run } from '../lib/program.js'

const placed = collections.filter(name => 'lat' in columns(name))

/** Text between two marks. */
const numbersIn = text => text.match(/-?\d+(\.\d+)?/g).map(Number)

suite('GDAL', () => {
  for (const name of placed) {
    const url = `${base}/v1/${name}.geojson`
    test(`ogrinfo on ${name}.geojson: features, extent, fields`, async () => {
      const all = await records(name)
      const info = await run('ogrinfo', ['-ro', '-so', '-al', url])
      assert.match(info, /using driver `GeoJSON' successful/)
      assert.equal(Number(/Feature Count: (\d+)/.exec(info)?.[1]), all.length)
      const lons = all.map(r => r.lon).filter(v => v !== null)
      const lats = all.map(r => r.lat).filter(v => v !== null)
      assert.ok(lons.length > 0 && lons.length < all.length, 'some have a place and some have none')
      const extent = numbersIn(/Extent: (.*)/.exec(info)[1])
      const wanted = [Math.min(...lons), Math.min(...lats), Math.max(...lons), Math.max(...lats)]
      extent.forEach((value, i) => assert.ok(Math.abs(value - wanted[i]) < 1e-6, `extent ${extent}, not ${wanted}`))
      assert.match(info, /^revision: Integer/m)
    })
    test(`ogr2ogr on ${name}.geojson: each position, none where the place is unknown`, async () => {
      const table = await run('ogr2ogr', ['-f', 'CSV', '/vsistdout/', url, '-select', 'id', '-lco', 'GEOMETRY=AS_XY'])
      const read = table.trim().split(/\r?\n/).slice(1).map(line => line.replaceAll('"', '').split(','))
      const wanted = (await records(name)).map(r => [r.lon, r.lat, r.id])
      assert.deepEqual(read.map(([x, y, id]) => [x === '' ? null : Number(x), y === '' ? null : Number(y), id]), wanted)
    })
  }
  test('bbox finds what GDAL finds within it', async () => {
    const box = [26, 40, 32, 51]
    const found = await (await fetch(`${base}/v1/rounds.geojson?bbox=${box}`)).json()
    const within = await run('ogr2ogr', ['-f', 'CSV', '/vsistdout/', `${base}/v1/rounds.geojson`, '-select', 'id', '-spat', ...box.map(String)])
    const ids = within.trim().split(/\r?\n/).slice(1).map(id => id.replace(/[",]/g, ''))
    assert.ok(ids.length > 0 && ids.length < (await records('rounds')).length, 'the box holds some')
    assert.deepEqual(found.features?.map(f => f.properties.id ?? f.id).sort(), ids.sort())
  })
})
