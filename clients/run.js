// Starts a server with some hard cases beside the data set, runs every check against it, and stops it. Arguments are
// the checks to run, such as pandas; all without.
import { mkdtemp, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { spec } from 'node:test/reporters'
import { run } from 'node:test'
import { addHardCases } from './lib/cases.js'
import { dataFolder, newKey, serve } from './lib/server.js'

const folder = new URL('checks/', import.meta.url)
const named = process.argv.slice(2)
const files = (await readdir(folder)).filter(name => name.endsWith('.js') && (!named.length || named.includes(name.slice(0, -3))))
if (files.length < (named.length || 1)) throw new Error(`there is no such check: ${named}`)

const data = await dataFolder()
let server
let passed = 0
let failed = 0
const interrupted = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => interrupted.abort())
process.stdout.on('error', () => interrupted.abort()) // nobody reads what is printed
try {
  server = await serve(data.folder)
  process.env.PARLEY_CLIENTS_KEY = await newKey(data.folder)
  await addHardCases(server.url, process.env.PARLEY_CLIENTS_KEY)
  process.env.LC_ALL = 'C.UTF-8' // R takes the encoding of what it reads from where it runs
  process.env.PARLEY_CLIENTS_URL = server.url
  process.env.PARLEY_CLIENTS_SCRATCH = await mkdtemp(join(data.folder, 'scratch-')) // goes with the data
  const checks = run({ files: files.sort().map(name => new URL(name, folder).pathname), concurrency: 2, timeout: 600_000, signal: interrupted.signal })
  checks.on('test:pass', ({ details, skip, todo }) => {
    if (details.type === 'suite') return
    if (skip !== undefined || todo !== undefined) failed++ // nothing is passed over
    else passed++
  })
  checks.on('test:fail', ({ details }) => {
    if (details.type !== 'suite') failed++
  })
  for await (const text of checks.compose(spec)) process.stdout.write(text)
} finally {
  await server?.stop()
  await data.remove()
}
if (passed + failed === 0) throw new Error('no check was run')
console.log(`${passed + failed} checks\n${passed} passed, ${failed} failed`)
process.exitCode = failed || interrupted.signal.aborted ? 1 : 0
