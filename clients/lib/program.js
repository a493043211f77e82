// Runs readers that are programs of their own.
import { spawn } from 'node:child_process'

/** Runs a program and resolves to what it printed. input, if given, is sent to it as JSON. */
export function run(program, args, { input, env } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { env: { ...process.env, ...env } })
    let out = ''
    let faults = ''
    child.stdout.setEncoding('utf8').on('data', text => (out += text))
    child.stderr.setEncoding('utf8').on('data', text => (faults += text))
    child.once('error', fault => reject(new Error(`${program} cannot be run: ${fault.message}. clients/install installs all readers, or says how.`)))
    child.once('close', code => {
      if (code === 0) return resolve(out)
      reject(new Error(`${program} ${args.join(' ')} ended with ${code}:\n${faults}${out}`.slice(0, 4000)))
    })
    child.stdin.on('error', () => {}) // it need not read
    child.stdin.end(input === undefined ? '' : JSON.stringify(input))
  })
}

/** The same for a program that prints JSON. */
export const read = async (program, args, options) => JSON.parse(await run(program, args, options))

/** Sees to it that a program that goes on by itself ends with us, at the latest. */
export function endsWithUs(child) {
  const end = () => child.kill()
  process.once('exit', end)
  child.once('close', () => process.off('exit', end))
  return child
}

/** A tool of node_modules. */
export const tool = name => new URL(`../node_modules/.bin/${name}`, import.meta.url).pathname
