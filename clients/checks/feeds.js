// gofeed and feed-extractor read feeds: Atom and JSON Feed.
import assert from 'node:assert/strict'
import { before, suite, test } from 'node:test'
import { extractFromJson, extractFromXml } from '@extractus/feed-extractor'
import { base, records } from '../lib/api.js'
import { read, run } from '../lib/program.js'

const folder = new URL('..', import.meta.url).pathname
const gofeed = `${folder}bin/gofeed`
const feeds = ['rounds', 'prisoner-exchanges', 'claims']

/** An address of a feed's entry, however it is written. */
const instant = text => new Date(text).getTime()

/** The records that the entries of a feed are about, in its order: each once, and as they were last recorded. */
function sameRecords(entries, all) {
  const byUrl = new Map(all.map(record => [record.url, record]))
  assert.ok(entries.length > 0)
  for (const entry of entries) {
    const record = byUrl.get(entry.link)
    assert.ok(record, `${entry.link} is a record`)
    assert.equal(instant(entry.updated), instant(record.recorded_at), `when ${record.id} was updated`)
    assert.ok(entry.title, `a title of ${record.id}`)
  }
}

/** All entries of a feed, by its links to the next page. gofeed tells each page apart. */
async function walk(url) {
  const entries = []
  for (let pages = 0; url; pages++) {
    assert.ok(pages < 100, 'the feed ends')
    const page = await read(gofeed, [url])
    entries.push(...page.entries)
    url = page.next
  }
  return entries
}

suite('feeds', () => {
  before(() => run('go', ['build', '-C', folder, '-o', 'bin/gofeed', './gofeed'], { env: { GOWORK: 'off' } }))

  for (const name of feeds) {
    for (const form of ['atom', 'feed.json']) {
      test(`gofeed on ${name}.${form}: a walk through its pages finds every record once`, async () => {
        const all = await records(name)
        const entries = await walk(`${base}/v1/${name}.${form}?limit=10`)
        assert.equal(new Set(entries.map(e => e.id)).size, all.length, 'ids')
        assert.equal(entries.length, all.length)
        sameRecords(entries, all)
      })
      test(`feed-extractor on ${name}.${form}: the same entries`, async () => {
        const response = await fetch(`${base}/v1/${name}.${form}?limit=10`)
        assert.equal(response.status, 200)
        const options = { descriptionMaxLen: 0, getExtraEntryFields: entry => ({ updated: entry.updated ?? entry.date_modified, key: entry.id }) }
        const feed = form === 'atom' ? extractFromXml(await response.text(), options) : extractFromJson(await response.json(), options)
        assert.ok(feed.title && feed.link, 'title and link')
        sameRecords(feed.entries, await records(name))
        const page = await read(gofeed, [`${base}/v1/${name}.${form}?limit=10`])
        assert.deepEqual(feed.entries.map(e => e.link), page.entries.map(e => e.link))
      })
    }
  }
  test('ids are the same in Atom, in JSON Feed, and after a change of the query', async () => {
    const ids = async path => (await read(gofeed, [base + path])).entries.map(e => e.id)
    const wanted = await ids('/v1/rounds.atom?process=istanbul-2025')
    assert.equal(wanted.length, (await records('rounds', '?process=istanbul-2025')).length)
    assert.deepEqual(await ids('/v1/rounds.feed.json?process=istanbul-2025'), wanted)
    const more = await ids('/v1/rounds.atom?limit=100')
    for (const id of wanted) assert.ok(more.includes(id), id)
  })
})
