package main

import (
	"fmt"
	"net/url"
	"strconv"
	"time"

	"github.com/parley-api/parley/internal/query"
	"github.com/parley-api/parley/internal/store"
)

// dataset is what is there to ask about.
type dataset struct {
	exchanges, rounds int
	revision          int64
}

const (
	pageSize   = 50
	windowDays = 60
)

func (d dataset) record(n uint64) string {
	return "/v1/prisoner-exchanges/" + exchangeID(pick(n, d.exchanges))
}

func (d dataset) round(n uint64) string { return "/v1/rounds/" + roundID(pick(n, d.rounds)) }

// anew is a round asked for as nobody has before: there are too few for each to be another. The parameter means nothing.
func (d dataset) anew(n uint64) string { return d.round(n) + "?_=" + strconv.FormatUint(n, 10) }

// country is the newest exchanges of one country in sixty days, or in as many as it takes for a page of them. When all
// windows have been asked for, they grow by a day.
func (d dataset) country(n uint64) string {
	const some = pageSize * 3 / 2 // of one of three countries: days differ
	days := uint64(min(max(windowDays, some*3*syntheticDays/max(1, d.exchanges)), syntheticDays/2))
	starts := syntheticDays - days
	first := firstDay.AddDate(0, 0, int(n*7919%starts))
	last := first.AddDate(0, 0, int(days-1+n/starts/3))
	return fmt.Sprintf("/v1/prisoner-exchanges?country=%s&date=%s..%s&limit=%d", countries[n/starts%3], first.Format(time.DateOnly), last.Format(time.DateOnly), pageSize)
}

// walk is the first page of the list of all exchanges.
func walk() string { return "/v1/prisoner-exchanges?limit=" + strconv.Itoa(pageSize) }

// after is the page of Parley's that follows an exchange, and the one of the service written by hand.
func (d dataset) after(i int) (parley, handwritten string, err error) {
	day := exchangeDay(i).Format(time.DateOnly)
	l, err := query.Parse(url.Values{"limit": {strconv.Itoa(pageSize)}}, store.PrisonerExchanges.Grammar())
	if err != nil {
		return "", "", fmt.Errorf("making a cursor: %w", err)
	}
	return walk() + "&cursor=" + l.Cursor(d.revision, day, exchangeID(i)).String(), walk() + "&after=" + day + "," + exchangeID(i), nil
}

// pick spreads numbers over 1 to size, each once before any comes again: the factor is a prime.
func pick(n uint64, size int) int { return 1 + int(n*2_654_435_761%uint64(size)) }

// cold is what is asked anew every time, of Parley and of the service written by hand.
type cold struct {
	name        string
	target      float64
	parley      func(n uint64) string
	handwritten func(n uint64) string
}

func (d dataset) cold() []cold {
	page := func(of func(parley, handwritten string) string) func(n uint64) string {
		return func(n uint64) string {
			parley, handwritten, err := d.after(pick(n, d.exchanges))
			if err != nil {
				panic(err) // the query is ours
			}
			return of(parley, handwritten)
		}
	}
	return []cold{
		{"a record by id", 1.3, d.record, d.record},
		{"newest 50 of a country in 60 days", 1.7, d.country, d.country},
		{"a page of 50 by keyset", 1.6, page(func(parley, _ string) string { return parley }), page(func(_, handwritten string) string { return handwritten })},
		{"a round with its delegations", 1.95, d.anew, d.anew},
	}
}

// asking makes requests for paths.
func asking(address string, path func(n uint64) string) requests {
	return func(space []byte, n uint64) []byte {
		space = append(space, "GET "...)
		space = append(space, path(n)...)
		return append(append(append(space, " HTTP/1.1\r\nHost: "...), address...), "\r\n\r\n"...)
	}
}

// warm is what is asked again and again.
type warm struct {
	name, path, header string // the header without its end
	status             int
	target             float64
}

// thousandth is the number of the page that a walk is followed to.
const thousandth = 1000

func (d dataset) warm(last int, etag string) ([]warm, error) {
	const good, unchanged = 0.85, 0.9
	page, _, err := d.after(last)
	if err != nil {
		return nil, err
	}
	middle := uint64(d.exchanges / 2)
	round := "/v1/rounds/" + roundID(1)
	return []warm{
		{"a record by id", d.record(middle), "", 200, good},
		{"newest 50 of a country in 60 days", d.country(middle), "", 200, good},
		{"page 1,000 by keyset", page, "", 200, good},
		{"a round with its delegations", round, "", 200, good},
		{"a round, gzip", round, "Accept-Encoding: gzip", 200, good},
		{"totals by month", "/v1/prisoner-exchanges/totals?by=month", "", 200, good},
		{"a round, unchanged (304)", round, "If-None-Match: " + etag, 304, unchanged},
	}, nil
}
