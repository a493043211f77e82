// Spectral and Redocly lint the contract; openapi-typescript makes types of it, which a small program uses.
import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { suite, test } from 'node:test'
import { contractFile, scratch } from '../lib/api.js'
import { run, tool } from '../lib/program.js'

const folder = new URL('..', import.meta.url).pathname
const quiet = { env: { REDOCLY_TELEMETRY: 'off', REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true', NO_COLOR: '1' } }

const spectral = file => run(tool('spectral'), ['lint', '--quiet', '--fail-severity=warn', '--ruleset', `${folder}spectral.yaml`, file], quiet)
const redocly = file => run(tool('redocly'), ['lint', '--config', `${folder}redocly.yaml`, '--format=json', file], quiet)

/** The contract with a fault in it. */
async function faulty(find, replace) {
  const text = await readFile(contractFile, 'utf8')
  assert.ok(text.includes(find), find)
  const file = `${scratch}/faulty.yaml`
  await writeFile(file, text.replace(find, replace))
  return file
}

const compile = file => run(tool('tsc'), ['--noEmit', '--strict', '--target', 'es2022', '--module', 'nodenext', '--moduleResolution', 'nodenext', '--lib', 'es2022,dom', file])

suite('the contract', () => {
  test('Spectral has no complaint', () => spectral(contractFile))
  test('Spectral does complain of a fault', async () => {
    await assert.rejects(spectral(await faulty('operationId: listRounds', 'operationId: listProcesses')), /operation-operationId-unique/)
  })
  test('Redocly has no complaint', () => redocly(contractFile))
  test('Redocly does complain of a fault', async () => {
    await assert.rejects(redocly(await faulty("$ref: '#/components/schemas/RoundList'", "$ref: '#/components/schemas/NoSuchList'")), /no-unresolved-refs/)
  })
  test('openapi-typescript makes types of it without a warning', async () => {
    const said = await run('node', ['--input-type=module', '-e', `
      import { spawnSync } from 'node:child_process'
      const made = spawnSync(process.argv[1], [process.argv[2], '-o', process.argv[3]], { encoding: 'utf8' })
      process.stdout.write(made.stdout + made.stderr)
      process.exit(made.status)`, tool('openapi-typescript'), contractFile, `${scratch}/parley.d.ts`])
    assert.doesNotMatch(said, /warn|⚠|error|✘/i)
    assert.match(await readFile(`${scratch}/parley.d.ts`, 'utf8'), /export interface paths/)
  })
  test('the types compile in a program that uses them', async () => {
    await writeFile(`${scratch}/uses.ts`, await readFile(`${folder}readers/uses.ts`))
    await compile(`${scratch}/uses.ts`)
  })
  test('the types refuse a program that misspells a field', async () => {
    const text = await readFile(`${folder}readers/uses.ts`, 'utf8')
    assert.ok(text.includes('.duration_minutes'))
    await writeFile(`${scratch}/misspelt.ts`, text.replace('.duration_minutes', '.duration_minuets'))
    await assert.rejects(compile(`${scratch}/misspelt.ts`), /duration_minuets/)
  })
})
