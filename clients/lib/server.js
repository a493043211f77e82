// Runs the program on a private PostgreSQL in a folder of its own, and stops what it started.
import { execFile, spawn } from 'node:child_process'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { endsWithUs } from './program.js'

export const repository = new URL('../..', import.meta.url).pathname
const program = join(repository, 'bin/parley')

/** A folder for the data that the user of PostgreSQL can enter too. */
export async function dataFolder() {
  const folder = await mkdtemp(join(tmpdir(), 'parley-clients-'))
  await chmod(folder, 0o755)
  return { folder, remove: () => rm(folder, { recursive: true, force: true }) }
}

const environment = folder => ({ ...process.env, DATABASE_URL: '', PARLEY_DATA_DIR: folder, PARLEY_ADMIN_ADDR: '', PARLEY_CLIENT_RATE: '0' })

/**
 * Starts the program; port 0 is any that is free. Resolves to the address without a path, such as http://127.0.0.1:41234,
 * and how to stop it.
 */
export async function serve(folder, port = 0) {
  const options = { env: environment(folder), stdio: ['ignore', 'pipe', 'pipe'] }
  const child = endsWithUs(spawn(program, ['serve', '--addr', `127.0.0.1:${port}`], options))
  let log = ''
  const ended = new Promise(resolve => child.once('close', code => resolve(code)))
  const url = await new Promise((resolve, reject) => {
    const read = text => {
      log += text
      const serving = /msg=serving url=(http:\/\/[^/\s]+)/.exec(log)
      if (serving) resolve(serving[1])
    }
    child.stdout.on('data', read)
    child.stderr.on('data', read)
    child.once('error', fault => reject(new Error(`${program} does not start, make build makes it: ${fault.message}`)))
    ended.then(code => reject(new Error(`${program} ended with ${code} before it served:\n${log}`)))
  })
  return {
    url,
    async stop() {
      child.kill('SIGTERM')
      const code = await ended
      if (code !== 0) throw new Error(`${program} ended with ${code}:\n${log.slice(-2000)}`)
    },
  }
}

/** Makes an API key of an operator for the data set in a folder, which may be in use. */
export async function newKey(folder) {
  const { stdout } = await promisify(execFile)(program, ['keys', 'create', '--name', 'clients', '--scope', 'admin'], { env: environment(folder) })
  return stdout.trim()
}
