// Made-up records that are hard to read: unknown beside zero, line breaks, quotation marks, texts that readers take for
// something else. Comparisons are made with these too.
import assert from 'node:assert/strict'

const source = 'example-reader-2026-11-24'
const hard = 'He said: "no, never"; then\nleft — пішов, 離開 🕊'

const put = (type, id, body) => ({ op: 'put', type, id, body })

const operations = [
  put('sources', source, {
    url: 'https://example.org/a?b=1&c=%22', publisher: 'NA', title: '=1+1', title_is_descriptive: true,
    published_on: null, language: 'en', kind: 'wire',
  }),
  put('prisoner-exchanges', 'exchange-2026-11-22', {
    date: '2026-11-22', place: 'null', place_precision: 'region', summary: hard, note: '-5 and so on',
    transfers: [
      { from: 'RU', to: 'UA', total: 0, pows: 0, civilians: 0 },
      { from: 'UA', to: 'RU', total: null, pows: null, civilians: null },
    ],
    mediators: [], categories: [], sources: [source],
  }),
  put('prisoner-exchanges', 'exchange-2026-11-23', {
    date: '2026-11-23', place: 'NaN', country: 'UA', lat: 50.45, lon: 30.52, place_precision: 'city', summary: 'None',
    transfers: [{ from: 'RU', to: 'UA', total: 7, pows: 7, civilians: 0 }],
    mediators: ['TR', 'AE'], categories: ['women'], sources: [source],
  }),
  put('body-repatriations', 'repatriation-2026-11-23', {
    date: '2026-11-23', place: 'Kyiv', country: 'UA', lat: 50.45, lon: 30.52, place_precision: 'city', summary: hard,
    transfers: [{ from: 'UA', to: 'RU', total: 0 }, { from: 'RU', to: 'UA', total: null }],
    mediators: [], sources: [source],
  }),
]

/** Records them, and then a change of one, so that there is a past. */
export async function addHardCases(base, key) {
  const headers = { Authorization: `Bearer ${key}`, 'Content-Type': 'application/json' }
  const send = async (method, path, body, more) => {
    const response = await fetch(base + path, { method, headers: { ...headers, ...more }, body: JSON.stringify(body) })
    assert.ok(response.ok, `${method} ${path}: ${response.status} ${await response.text()}`)
  }
  await send('POST', '/v1/changesets', { message: 'Hard cases for readers', operations })
  await send('PATCH', '/v1/prisoner-exchanges/exchange-2026-11-23?message=Another+note', { note: 'x' }, { 'If-Match': '*' })
}
