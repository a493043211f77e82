// ical.js reads calendars.
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import ICAL from 'ical.js'
import { base, records } from '../lib/api.js'

async function calendar(path) {
  const response = await fetch(base + path)
  assert.equal(response.status, 200, `${path}: ${response.status}`)
  assert.match(response.headers.get('content-type'), /^text\/calendar/)
  const whole = new ICAL.Component(ICAL.parse(await response.text()))
  assert.equal(whole.name, 'vcalendar')
  return whole.getAllSubcomponents('vevent').map(part => new ICAL.Event(part))
}

const instant = text => new Date(text).getTime()
const byUrl = (events, url) => events.filter(e => e.component.getFirstPropertyValue('url') === url)

function sameRecord(event, record) {
  assert.equal(event.sequence, record.revision, `SEQUENCE of ${record.id}`)
  assert.equal(event.component.getFirstPropertyValue('last-modified').toJSDate().getTime(), Math.floor(instant(record.recorded_at) / 1000) * 1000) // calendars have no less than seconds
}

suite('ical.js', () => {
  test('rounds.ics: one event a round, with its days or times, place and status', async () => {
    const events = await calendar('/v1/rounds.ics')
    const rounds = await records('rounds')
    assert.equal(new Set(events.map(e => e.uid)).size, rounds.length, 'ids')
    assert.ok(rounds.some(r => r.started_at) && rounds.some(r => !r.started_at))
    for (const round of rounds) {
      const [event, ...more] = byUrl(events, round.url)
      assert.ok(event && !more.length, `one event of ${round.id}`)
      sameRecord(event, round)
      assert.equal(event.summary, round.title)
      if (round.started_at && round.ended_at) {
        assert.equal(event.startDate.isDate, false)
        assert.equal(event.startDate.toJSDate().getTime(), instant(round.started_at), round.id)
        assert.equal(event.endDate.toJSDate().getTime(), instant(round.ended_at), round.id)
      } else if (!round.started_at) {
        assert.equal(event.startDate.isDate, true, round.id)
        assert.equal(event.startDate.toString(), round.starts_on)
        event.endDate.day -= 1 // DTEND is the day after the last one
        assert.equal(event.endDate.toString(), round.ends_on)
      }
      const status = event.component.getFirstPropertyValue('status')
      assert.equal(status, { cancelled: 'CANCELLED', postponed: 'TENTATIVE' }[round.status] ?? 'CONFIRMED', round.id)
      if (round.city) assert.match(event.location, new RegExp(round.city))
    }
  })
  test('events.ics: one event a happening, on its days', async () => {
    const events = await calendar('/v1/events.ics')
    const happenings = await records('events')
    assert.ok(happenings.length > 100)
    assert.equal(events.length, happenings.length)
    const byId = new Map(events.map(e => [e.uid.split('@')[0], e]))
    for (const happening of happenings) {
      const event = byId.get(`event-${happening.id}`)
      assert.ok(event, `an event of ${happening.id}`)
      sameRecord(event, happening)
      if (!event.startDate.isDate) continue // of a round whose time is on record, which rounds.ics is held to
      assert.equal(event.startDate.toString(), happening.date, happening.id)
      event.endDate.day -= 1 // DTEND is the day after the last one
      assert.equal(event.endDate.toString(), happening.ends_on, happening.id)
    }
  })
  test('commitments.ics: the days on which they are due', async () => {
    const events = await calendar('/v1/commitments.ics')
    const due = (await records('commitments')).filter(c => c.due_on)
    assert.ok(due.length > 0)
    for (const commitment of due) {
      const found = byUrl(events, commitment.url)
      assert.ok(found.some(e => e.startDate.isDate && e.startDate.toString() === commitment.due_on), commitment.id)
      sameRecord(found[0], commitment)
    }
    assert.equal(events.length, due.length)
  })
  test('a made-up exchange: line breaks, quotation marks and letters of all scripts come through', async () => {
    const [hard] = (await records('prisoner-exchanges')).filter(e => e.id === 'exchange-2026-11-22')
    const events = await calendar('/v1/events.ics?collection=prisoner-exchanges&date=2026-11-22')
    assert.equal(events.length, 1)
    assert.ok(`${events[0].summary}\n${events[0].description}`.includes(hard.summary), events[0].component.toString())
  })
})
