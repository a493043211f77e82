package store

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"time"
)

// period is a calendar period that totals are made by. A day is the one that the sources give: no time zone is applied.
type period struct {
	name   string // in PostgreSQL's date_trunc, too
	months int    // its length
	days   int
	first  func(day time.Time) time.Time          // of the period that a day is in
	append func(b []byte, first time.Time) []byte // appends what the period is called
}

var periods = []*period{
	{name: "day", days: 1, first: func(d time.Time) time.Time { return d }, append: layout(time.DateOnly)},
	{name: "week", days: 7, first: func(d time.Time) time.Time { return d.AddDate(0, 0, -(int(d.Weekday())+6)%7) }, append: appendWeek},
	{name: "month", months: 1, first: func(d time.Time) time.Time { return d.AddDate(0, 0, 1-d.Day()) }, append: layout("2006-01")},
	{name: "quarter", months: 3, first: func(d time.Time) time.Time { return d.AddDate(0, -(int(d.Month())-1)%3, 1-d.Day()) }, append: appendQuarter},
	{name: "year", months: 12, first: func(d time.Time) time.Time { return d.AddDate(0, 0, 1-d.YearDay()) }, append: layout("2006")},
}

// periodOf finds a period by name; nil if it is none.
func periodOf(name string) *period {
	for _, p := range periods {
		if p.name == name {
			return p
		}
	}
	return nil
}

func layout(text string) func([]byte, time.Time) []byte {
	return func(b []byte, first time.Time) []byte { return first.AppendFormat(b, text) }
}

// appendWeek appends a week as ISO 8601 numbers it: 2025-W01.
func appendWeek(b []byte, first time.Time) []byte {
	year, week := first.ISOWeek()
	return fmt.Appendf(b, "%04d-W%02d", year, week)
}

func appendQuarter(b []byte, first time.Time) []byte {
	return fmt.Appendf(b, "%04d-Q%d", first.Year(), (first.Month()+2)/3)
}

func (p *period) next(first time.Time) time.Time { return first.AddDate(0, p.months, p.days) }

// count is how many periods there are, at the least, from one day to another.
func (p *period) count(from, to time.Time) int64 {
	return (to.Unix() - from.Unix()) / 86400 / int64(31*p.months+p.days)
}

// periodSums are totals by period, as the database adds them up: only of periods in which there is something. To make the
// rest of it there takes three times as long.
type periodSums struct {
	*period
	rows       []periodSum
	directions []direction
}

// direction is from which party to which.
type direction struct{ from, to string }

// periodSum is what was transferred in a period in one direction.
type periodSum struct {
	first time.Time
	direction
	values [5][]byte // records, unknown_count, total, total_low, total_high as PostgreSQL sends them
}

// epoch is where PostgreSQL's dates begin.
var epoch = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// add takes a row: the first day of the period, from, to, and the sums.
func (s *periodSums) add(row Row) {
	var sum periodSum
	sum.first = epoch.AddDate(0, 0, int(int32(binary.BigEndian.Uint32(row[0])))) //nolint:gosec // a signed number of days
	sum.direction = direction{string(row[1]), string(row[2])}
	for i, value := range row[3:] {
		if value != nil {
			sum.values[i] = append(make([]byte, 0, 8), value...)
		}
	}
	s.rows = append(s.rows, sum)
	if !slices.Contains(s.directions, sum.direction) {
		s.directions = append(s.directions, sum.direction)
	}
}

// all hands on the rows of the answer: of each period in each direction, also where nothing was, from the first period with
// something in it to the last, and out to the days that a filter gives; with what has come together up to then.
func (s *periodSums) all(from, to *time.Time, add func(Row)) error {
	if len(s.rows) == 0 {
		return nil
	}
	first, last := s.rows[0].first, s.rows[len(s.rows)-1].first
	if from != nil && from.Before(first) {
		first = s.period.first(*from)
	}
	if to != nil && to.After(last) {
		last = s.period.first(*to)
	}
	if s.count(first, last)*int64(len(s.directions)) > maxTotals {
		return tooMany(s.name)
	}
	slices.SortFunc(s.directions, compareDirections)
	running := make([][2]int64, len(s.directions))
	var zero [8]byte
	nothing := [5][]byte{zero[:], zero[:], zero[:], zero[:], zero[:]}
	n, rest := 0, s.rows
	var r periodRow
	for at := first; !at.After(last); at = s.next(at) {
		r.begin(s.period, at)
		for i, d := range s.directions {
			if n++; n > maxTotals {
				return tooMany(s.name)
			}
			values := nothing
			if len(rest) > 0 && rest[0].first.Equal(at) && rest[0].direction == d {
				values, rest = rest[0].values, rest[1:]
			}
			running[i][0] += number(values[2])
			running[i][1] += number(values[1])
			add(r.row(d, values, running[i]))
		}
	}
	return nil
}

func compareDirections(a, b direction) int {
	if a.from != b.from {
		return strings.Compare(a.from, b.from)
	}
	return strings.Compare(a.to, b.to)
}

// number is a bigint as PostgreSQL sends it; 0 for null.
func number(value []byte) int64 {
	if value == nil {
		return 0
	}
	return int64(binary.BigEndian.Uint64(value)) //nolint:gosec // a signed number
}

// periodRow makes rows in the shape of totals by period.
type periodRow struct {
	values         [12][]byte
	label, parties []byte
	days           [2][4]byte
	running        [2][8]byte
}

func (r *periodRow) begin(p *period, first time.Time) {
	r.label = p.append(r.label[:0], first)
	for i, day := range []time.Time{first, p.next(first).AddDate(0, 0, -1)} {
		binary.BigEndian.PutUint32(r.days[i][:], uint32((day.Unix()-epoch.Unix())/86400)) //nolint:gosec // as PostgreSQL writes it
		r.values[1+i] = r.days[i][:]
	}
	r.values[0] = r.label
}

func (r *periodRow) row(d direction, values [5][]byte, running [2]int64) Row {
	r.parties = append(append(r.parties[:0], d.from...), d.to...)
	r.values[3], r.values[4] = r.parties[:len(d.from)], r.parties[len(d.from):]
	copy(r.values[5:], values[:])
	for i, n := range running {
		binary.BigEndian.PutUint64(r.running[i][:], uint64(n)) //nolint:gosec // as PostgreSQL writes it
		r.values[10+i] = r.running[i][:]
	}
	return r.values[:]
}
