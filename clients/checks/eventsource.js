// eventsource follows streams: over a cut of the connection and a restart of the server, nothing is missed or told twice.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { after, before, suite, test } from 'node:test'
import { EventSource } from 'eventsource'
import '../lib/api.js'
import { dataFolder, newKey, serve } from '../lib/server.js'

const source = 'example-stream-2026-11-24'
const kinds = ['upsert', 'leave', 'delete', 'reset']

const streams = new Set()

/** A way to the server that can be cut. */
async function cuttable(port) {
  const sockets = new Set()
  const gate = createServer(near => {
    const far = connect(port(), '127.0.0.1')
    for (const socket of [near, far]) {
      sockets.add(socket)
      socket.on('error', () => {}).on('close', () => sockets.delete(socket))
    }
    near.pipe(far).pipe(near)
    far.on('close', () => near.destroy())
    near.on('close', () => far.destroy())
  }).listen(0, '127.0.0.1')
  await once(gate, 'listening')
  const cut = () => sockets.forEach(socket => socket.destroy())
  return { url: `http://127.0.0.1:${gate.address().port}`, cut, close: () => (cut(), gate.close()) }
}

/** Follows an address and keeps every event. */
async function follow(url) {
  const events = []
  let connections = 0
  let ended = null
  let wake = () => {}
  const stream = new EventSource(url)
  streams.add(stream)
  stream.addEventListener('open', () => wake(connections++))
  stream.addEventListener('error', e => {
    if (stream.readyState === EventSource.CLOSED) wake((ended = new Error(`${url} is no stream: ${e.code} ${e.message}`)))
  })
  for (const kind of kinds) {
    stream.addEventListener(kind, e => wake(events.push({ kind, id: e.lastEventId, data: JSON.parse(e.data) })))
  }
  const until = async done => {
    while (!done(events)) {
      if (ended) throw ended
      await new Promise(resolve => (wake = resolve))
    }
  }
  await until(() => connections > 0)
  return { events, until, connections: () => connections }
}

suite('eventsource', { timeout: 120_000 }, () => {
  let data, server, port, gate, key

  before(async () => {
    data = await dataFolder()
    server = await serve(data.folder)
    port = Number(new URL(server.url).port)
    key = await newKey(data.folder)
    gate = await cuttable(() => port)
    await write([{ op: 'put', type: 'sources', id: source, body: { url: null, publisher: 'Example', title: 'Stream', title_is_descriptive: true, published_on: null, language: 'en', kind: 'wire' } }])
  })
  after(async () => {
    streams.forEach(stream => stream.close())
    gate?.close()
    await server?.stop()
    await data?.remove()
  })

  async function write(operations) {
    const response = await fetch(`${server.url}/v1/changesets`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${key}`, 'Content-Type': 'application/json', 'If-Match': '*' },
      body: JSON.stringify({ message: 'For the stream', operations }),
    })
    assert.ok(response.ok, `${response.status} ${await response.text()}`)
  }
  const get = async path => (await fetch(server.url + path)).json()
  const exchange = (day, total) => ({
    op: 'put', type: 'prisoner-exchanges', id: `exchange-2026-11-${day}`,
    body: { date: `2026-11-${day}`, summary: 'Made up.', transfers: [{ from: 'RU', to: 'UA', total, pows: null, civilians: null }], mediators: [], categories: [], sources: [source] },
  })

  test('changes.sse: every change once and in order, over two cuts and a restart', async () => {
    const { meta } = await get('/v1/changesets?limit=1')
    const stream = await follow(`${gate.url}/v1/changes.sse`)
    await write([exchange('01', 1), exchange('02', 2)])
    await stream.until(events => events.length >= 2)
    gate.cut()
    await write([exchange('03', 3)]) // while nobody listens
    await stream.until(events => events.length >= 3)
    await server.stop()
    server = await serve(data.folder, port)
    await write([exchange('04', 4), exchange('05', 5)])
    await stream.until(events => events.length >= 5)
    gate.cut()
    await write([{ op: 'delete', type: 'prisoner-exchanges', id: 'exchange-2026-11-05' }])
    await stream.until(events => events.length >= 6)
    assert.ok(stream.connections() >= 4, `${stream.connections()} connections`)
    const wanted = (await get(`/v1/changes?revision=${meta.revision + 1}..&sort=id&limit=1000`)).data
    assert.equal(wanted.length, 6)
    assert.deepEqual(stream.events.map(e => e.data.id), wanted.map(c => c.id))
    assert.deepEqual(stream.events.map(e => e.data.op), wanted.map(c => c.op))
    assert.equal(new Set(stream.events.map(e => e.id)).size, 6, 'ids of events are unique')
  })
  test('a list with a filter: who applies the events has the list', async () => {
    const query = 'date=2026-11&total=..10&from=RU'
    const held = new Map((await get(`/v1/prisoner-exchanges?${query}`)).data.map(r => [r.id, r]))
    assert.ok(held.size > 0)
    const stream = await follow(`${gate.url}/v1/prisoner-exchanges.sse?${query}`)
    await write([exchange('06', 6), exchange('07', 700)]) // the second does not match
    await stream.until(events => events.length >= 1)
    gate.cut()
    await write([exchange('01', 900)]) // matched, and does no longer
    await write([{ op: 'delete', type: 'prisoner-exchanges', id: 'exchange-2026-11-02' }])
    await write([exchange('03', 9)])
    await stream.until(events => events.length >= 4)
    assert.deepEqual(stream.events.map(e => [e.kind, e.data.id]), [
      ['upsert', 'exchange-2026-11-06'], ['leave', 'exchange-2026-11-01'], ['delete', 'exchange-2026-11-02'], ['upsert', 'exchange-2026-11-03'],
    ])
    for (const { kind, data } of stream.events) kind === 'upsert' ? held.set(data.id, data) : held.delete(data.id)
    const own = record => ({ ...record, url: new URL(record.url).pathname }) // the stream came by another address
    const wanted = (await get(`/v1/prisoner-exchanges?${query}&sort=id`)).data
    assert.deepEqual([...held.values()].map(own).sort((a, b) => (a.id < b.id ? -1 : 1)), wanted.map(own))
  })
})
