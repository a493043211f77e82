// Prism stands between us and the program as a proxy that holds every request and every answer to the contract: all
// examples of the contract, of the index and of the README go through it, and so do writes. These are of no effect on the data,
// which others read meanwhile: dry runs, and a webhook from its making to its end.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { after, suite, test } from 'node:test'
import { isDeepStrictEqual } from 'node:util'
import { stringify } from 'yaml'
import { base, contract, resolve, scratch } from '../lib/api.js'
import { endsWithUs, tool } from '../lib/program.js'
import { repository } from '../lib/server.js'

const server = contract.servers[0].url

/** A copy of the contract, changed. */
function changed(change, document = contract) {
  const copy = structuredClone(document)
  change(copy)
  return copy
}

/** The contract for answers with fields=, whose records have only some of the properties. */
const selected = changed(c => {
  for (const path of Object.values(c.paths)) {
    const page = path.get?.responses['200']?.content?.['application/json']?.schema
    const schema = page?.$ref && c.components.schemas[page.$ref.split('/').pop()]
    const record = schema?.properties?.data?.items?.$ref ?? page?.$ref
    if (record) delete c.components.schemas[record.split('/').pop()].required
  }
})

const freePort = () =>
  new Promise(resolve => {
    const socket = createServer().listen(0, '127.0.0.1', () => {
      const { port } = socket.address()
      socket.close(() => resolve(port))
    })
  })

/** Prism takes application/geo+json for application/json: a contract where answers have the one form only, if they have it. */
const only = (document, form) =>
  changed(c => {
    for (const { get } of Object.values(c.paths)) {
      for (const response of Object.values(get?.responses ?? {})) {
        if (response.content?.[form]) response.content = { [form]: response.content[form] }
      }
    }
  }, document)

const proxies = []

/** Starts Prism with a contract and resolves to its address. */
async function proxy(name, document) {
  const file = join(scratch, `${name}.yaml`)
  await writeFile(file, stringify(document))
  const port = await freePort()
  const options = { stdio: ['ignore', 'pipe', 'pipe'] }
  const child = endsWithUs(spawn(tool('prism'), ['proxy', file, base, '--errors', '--port', port], options))
  proxies.push(child)
  await new Promise((resolve, reject) => {
    let log = ''
    const read = text => {
      log += text
      if (log.includes('Prism is listening')) resolve()
    }
    child.stdout.on('data', read)
    child.stderr.on('data', read)
    child.once('error', reject)
    child.once('close', code => reject(new Error(`Prism ended with ${code}:\n${log}`)))
  })
  return `http://127.0.0.1:${port}`
}

const started = new Map()

/** The address of Prism with the contract for answers that have all fields or some of them, in a form. */
function judge(part, form = '') {
  const name = `${part}-${form.replace('/', '-')}`
  const document = part === 'some' ? selected : contract
  if (!started.has(name)) started.set(name, proxy(name, form ? only(document, form) : document))
  return started.get(name)
}

const media = {
  csv: 'text/csv', ndjson: 'application/x-ndjson', json: 'application/json', geojson: 'application/geo+json', parquet: 'application/vnd.apache.parquet',
  jsonld: 'application/ld+json', atom: 'application/atom+xml', 'feed.json': 'application/feed+json', ics: 'text/calendar',
  bib: 'application/x-bibtex', 'csl.json': 'application/vnd.citationstyles.csl+json', xml: 'application/xml',
}

/** The same request with the form in Accept: the contract names the addresses without extensions. */
function request(target) {
  const url = new URL(target, base)
  const [, form] = /\.((?:feed\.|csl\.)?[a-z]+)$/.exec(url.pathname.startsWith('/v1/') ? url.pathname : '') ?? []
  if (!form || url.pathname in contract.paths) return { path: url.pathname + url.search, headers: {} }
  assert.ok(media[form], `what is the media type of .${form}?`)
  return { path: url.pathname.slice(0, -form.length - 1) + url.search, headers: { Accept: media[form] } }
}

/** What anybody may read. */
const reads = Object.entries(contract.paths).filter(([, item]) => item.get && !item.get.security?.length)

const examples = new Set()
const add = target => examples.add(target.replace(server, '').replace(base, ''))
for (const [path, item] of reads) {
  const needed = item.get.parameters?.map(resolve).filter(p => p.required) ?? []
  const example = p => encodeURIComponent(p.example ?? resolve(p.schema).enum?.[0] ?? 'talks')
  const query = needed.filter(p => p.in === 'query').map(p => `${p.name}=${example(p)}`)
  const filled = needed.filter(p => p.in === 'path').reduce((path, p) => path.replace(`{${p.name}}`, example(p)), path)
  add(query.length ? `${filled}?${query.join('&')}` : filled)
}
const everyResponse = [...Object.values(contract.components.responses), ...reads.flatMap(([, item]) => Object.values(item.get.responses))]
for (const response of everyResponse) {
  for (const content of Object.values(response.content ?? {})) {
    for (const example of Object.values(content.examples ?? {})) add(example['x-request'])
  }
}
for (const { examples } of (await (await fetch(`${base}/v1`)).json()).collections) examples.forEach(line => add(/'(http[^']+)'/.exec(line)[1]))
const readme = await readFile(`${repository}README.md`, 'utf8')
for (const [, target] of readme.matchAll(/\$ curl -s '(http[^']+)'\n/g)) add(target)

/** An answer without how it is spaced, which Prism changes in JSON. */
function value(text) {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

// What Prism cannot be a judge of: it follows the redirect of the root itself, and reads no YAML.
for (const target of ['/', '/openapi.yaml']) assert.ok(examples.delete(target), target)

suite('Prism', () => {
  after(() => proxies.forEach(child => child.kill()))

  assert.ok(examples.size > 60, `${examples.size} examples`)
  for (const target of examples) {
    test(target, async () => {
      const { path, headers } = request(target)
      const options = { headers, redirect: 'manual' }
      const part = path.includes('fields=') ? 'some' : 'whole'
      const through = await fetch((await judge(part, headers.Accept?.endsWith('+json') ? headers.Accept : undefined)) + path, options)
      const direct = await fetch(base + path, options)
      const [seen, wanted] = [await through.text(), await direct.text()]
      assert.equal(through.status, direct.status, seen)
      assert.equal(through.headers.get('sl-violations'), null)
      if (direct.ok) assert.ok(isDeepStrictEqual(value(seen), value(wanted)), 'the proxy passes on what the program answers')
    })
  }
  /** Sends a request of an operator through the proxy and resolves to what the program answers. */
  async function write(method, path, status, body, headers = {}) {
    const response = await fetch((await judge('whole')) + path, {
      method,
      headers: { Authorization: `Bearer ${process.env.PARLEY_CLIENTS_KEY}`, ...(body && { 'Content-Type': 'application/json' }), ...headers },
      body: body && JSON.stringify(body),
    })
    const text = await response.text()
    assert.equal(response.status, status, `${method} ${path}: ${text}`)
    assert.equal(response.headers.get('sl-violations'), null)
    return text && JSON.parse(text)
  }
  const claim = {
    topic: 'other', claimed_by: 'UA', summary: 'A test.', status: 'disputed', made_on: '2025-07-23', sources: ['interbellum-2025-07-23'],
  }
  const dry = '?dry_run=true&message=Through+a+proxy'

  test('writes of records', async () => {
    const present = await (await fetch(`${base}/v1/claims`)).json()
    const { id } = present.data[0]
    const made = await write('PUT', `/v1/claims/through-prism${dry}`, 200, claim, { 'If-None-Match': '*' })
    assert.equal(made.changes[0].op, 'create')
    const changed = await write('PATCH', `/v1/claims/${id}${dry}`, 200, { summary: 'Another summary.' }, { 'If-Match': '*' })
    assert.equal(changed.changes[0].record, id)
    const both = await write('POST', '/v1/changesets?dry_run=true', 200, {
      message: 'Two at once',
      operations: [{ op: 'put', type: 'claims', id: 'through-prism', body: claim }, { op: 'patch', type: 'claims', id, body: { note: 'A note.' } }],
    })
    assert.equal(both.changes.length, 2)
    await write('DELETE', `/v1/claims/through-prism${dry}`, 404, undefined, { 'If-Match': '*' })
    const refused = await write('PUT', `/v1/claims/through-prism${dry}`, 422, { ...claim, sources: ['nothing'] }, { 'If-None-Match': '*' })
    assert.match(refused.type, /invalid-record$/)
    await write('PATCH', `/v1/claims/${id}${dry}`, 412, { summary: 'Too late.' }, { 'If-Match': '"0"' })
    assert.deepEqual((await (await fetch(`${base}/v1/claims`)).json()).data, present.data, 'they were dry runs')
  })
  test('a webhook', async () => {
    const query = '/v1/prisoner-exchanges?from=RU'
    const made = await write('POST', '/v1/webhooks', 201, { name: 'prism', target: 'https://example.org/hook', query })
    assert.match(made.secret, /^whsec_/)
    const one = `/v1/webhooks/${made.id}`
    assert.equal((await write('GET', one, 200)).query, query)
    assert.equal((await write('PATCH', one, 200, { status: 'disabled' })).status, 'disabled')
    const rotated = await write('POST', `${one}/rotate`, 200)
    assert.notEqual(rotated.secret, made.secret)
    assert.deepEqual((await write('GET', '/v1/webhooks', 200)).data.map(hook => hook.id), [made.id])
    await write('POST', '/v1/webhooks', 422, { name: 'prism', target: 'https://127.0.0.1/', query })
    await write('GET', '/v1/webhooks', 401, undefined, { Authorization: 'Bearer nothing' })
    await write('DELETE', one, 204)
    await write('GET', one, 404)
  })
  test('an answer that is not as the contract says is refused', async () => {
    const wrong = await proxy('wrong', changed(c => (c.components.schemas.Round.properties.title = { type: 'integer' })))
    const response = await fetch(`${wrong}/v1/rounds/istanbul-2025-3`)
    assert.equal(response.status, 500)
    assert.match(await response.text(), /VIOLATIONS/)
  })
  test('a request that is not as the contract says is refused', async () => {
    const response = await fetch(`${await judge('whole')}/v1/rounds?limit=many`)
    assert.equal(response.status, 422)
    assert.match(await response.text(), /VALIDATION|VIOLATIONS/i)
  })
})
