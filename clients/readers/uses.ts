// A program over the types that openapi-typescript makes of the contract. It is compiled, not run.
import type { components, operations, paths } from './parley.js'

type Round = components['schemas']['Round']
type Rounds = paths['/v1/rounds']['get']['responses']['200']['content']['application/json']
type Query = NonNullable<operations['listRounds']['parameters']['query']>
type Problem = components['schemas']['Problem']

const query: Query = { party: 'UA', date: '2025', sort: '-date', limit: 10 }

export async function minutes(base: string): Promise<number> {
  const search = new URLSearchParams(Object.entries(query).map(([name, value]): [string, string] => [name, String(value)]))
  let total = 0
  for (let next: string | null = `${base}/v1/rounds?${search}`; next; ) {
    const response = await fetch(next)
    if (!response.ok) {
      const problem = (await response.json()) as Problem
      throw new Error(`${problem.title}: ${problem.errors?.map(fault => fault.reason).join('; ')}`)
    }
    const page = (await response.json()) as Rounds
    page.data.forEach((round: Round) => (total += round.duration_minutes ?? 0)) // null: unknown
    next = page.next
  }
  return total
}
