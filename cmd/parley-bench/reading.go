package main

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"time"
)

// side loads one server, and keeps how long its answers took.
type side struct {
	load
	latencies []time.Duration
}

func newSide(address string, connections, status int, r requests, next *atomic.Uint64) *side {
	return &side{load: load{address: address, connections: connections, status: status, requests: r, next: next}}
}

func (s *side) measure(b *bench) measure {
	return func(window time.Duration) (float64, error) {
		s.window = window
		l, err := s.run(b.ctx)
		if window == b.window() { // the first, short one only warms up
			s.latencies = append(s.latencies, l.latencies...)
		}
		return l.rate, err
	}
}

// times are the median and the 99th percentile of what the side took.
func (s *side) times() string {
	slices.Sort(s.latencies)
	return fmt.Sprintf(", p50 %s, p99 %s", millis(percentile(s.latencies, 0.5)), millis(percentile(s.latencies, 0.99)))
}

// faceoff lines up two sides, each with its times.
func (b *bench) faceoff(item string, parley, rival *side, target float64) (line, error) {
	figures, err := b.alternate(parley.measure(b), rival.measure(b))
	if err != nil {
		return line{}, fmt.Errorf("%s: %w", item, err)
	}
	l := faster(item, figures[0], figures[1], "/s", target)
	l.parley += parley.times()
	l.rival += rival.times()
	return l, nil
}

// warm compares answers that Parley has given before with the same bytes from memory.
func (b *bench) warm() (section, error) {
	s := section{about: "Answers that Parley gave before, compared with plain net/http that gives the same headers and bytes from memory. Answers a second."}
	etag, err := b.etag("/v1/rounds/" + roundID(1))
	if err != nil {
		return s, err
	}
	last, err := b.deep()
	if err != nil {
		return s, err
	}
	items, err := b.data.warm(last, etag)
	if err != nil {
		return s, err
	}
	for _, item := range items {
		lines, err := b.warmItem(item)
		if err != nil {
			return s, err
		}
		s.lines = append(s.lines, lines...)
	}
	return s, nil
}

func (b *bench) warmItem(item warm) (lines []line, err error) {
	headers := ""
	if item.header != "" {
		headers = item.header + "\r\n"
	}
	rival, err := startRival(b.ctx, item.path, headers, nil, "memory", "--url", b.parley.url()+item.path, "--header", item.header)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rival.stop()) }()
	for _, connections := range b.Connections {
		var next atomic.Uint64
		of := func(c *child) *side {
			return newSide(c.address, connections, item.status, always(get(c.address, item.path, headers)), &next)
		}
		l, err := b.faceoff(fmt.Sprintf("%s, %d connections", item.name, connections), of(b.parley), of(rival), item.target)
		if err != nil {
			return nil, err
		}
		lines = append(lines, l)
	}
	return lines, nil
}

// etag is the validator of an answer.
func (b *bench) etag(path string) (string, error) {
	request, err := http.NewRequestWithContext(b.ctx, http.MethodGet, b.parley.url()+path, nil)
	if err != nil {
		return "", err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return "", fmt.Errorf("asking for %s: %w", path, err)
	}
	defer response.Body.Close()
	return response.Header.Get("Etag"), nil
}

// deep is the exchange that the thousandth page follows, or in a small data set the one in the middle.
func (b *bench) deep() (int, error) {
	var id string
	err := b.db.QueryRow(b.ctx, "select id from prisoner_exchanges where id >= 'synthetic-0' and id < 'synthetic-a' order by date desc, id desc offset $1 limit 1",
		min((thousandth-1)*pageSize-1, b.data.exchanges/2)).Scan(&id)
	if err != nil {
		return 0, fmt.Errorf("looking for page %d: %w", thousandth, err)
	}
	var i int
	if _, err := fmt.Sscanf(id, "synthetic-%d", &i); err != nil {
		return 0, fmt.Errorf("%q is no synthetic exchange: %w", id, err)
	}
	return i, nil
}

// cold compares answers that are never asked for twice with a service written by hand, and that with bare statements.
func (b *bench) cold() (s section, err error) {
	s.about = "Every query is another one, so that no answer is kept. Compared with a service written by hand: net/http, pgx, structs, encoding/json, SQL for each " +
		"answer in one or two round trips; it gives the same documents, which is checked first. The targets are those against pRest (3, 2, 2 and 2.5 times), carried over " +
		"by pRest's measured share of the service written by hand: pRest itself could not be had here. Answers a second."
	rival, err := b.handwritten()
	if err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, rival.stop()) }()
	if err := b.sameDocuments(rival); err != nil {
		return s, err
	}
	for _, item := range b.data.cold() {
		var ours, theirs atomic.Uint64
		for _, connections := range b.Connections {
			l, err := b.faceoff(fmt.Sprintf("%s, %d connections", item.name, connections),
				newSide(b.parley.address, connections, 200, asking(b.parley.address, item.parley), &ours),
				newSide(rival.address, connections, 200, asking(rival.address, item.handwritten), &theirs), item.target)
			if err != nil {
				return s, err
			}
			s.lines = append(s.lines, l)
		}
	}
	lines, err := b.pgbench()
	s.lines = append(s.lines, lines...)
	return s, err
}

// handwritten starts the service written by hand. The address of the database may hold a password: it is no argument, which
// everybody could see.
func (b *bench) handwritten() (*child, error) {
	return startRival(b.ctx, "/v1/rounds/"+roundID(1), "", []string{"DATABASE_URL=" + b.url}, "handwritten")
}

// sameDocuments checks that the service written by hand gives what Parley gives.
func (b *bench) sameDocuments(rival *child) error {
	for _, item := range b.data.cold() {
		for n := range uint64(20) {
			if err := agree(b.parley.address, item.parley(n), rival.address, item.handwritten(n)); err != nil {
				return fmt.Errorf("%s: %w", item.name, err)
			}
		}
	}
	return nil
}

// agree asks two servers and compares their answers.
func agree(addressA, pathA, addressB, pathB string) error {
	a, bodyA, err := fetch(addressA, get(addressA, pathA, ""))
	if err != nil {
		return err
	}
	b, bodyB, err := fetch(addressB, get(addressB, pathB, ""))
	if err != nil {
		return err
	}
	if a.status != 200 || b.status != 200 {
		return fmt.Errorf("%s: status %d, %s: status %d", pathA, a.status, pathB, b.status)
	}
	all, err := differences(bodyA, bodyB, addressA, addressB)
	if err != nil {
		return err
	}
	if all != nil {
		return fmt.Errorf("%s and %s differ:\n%s", pathA, pathB, strings.Join(all[:min(len(all), 20)], "\n"))
	}
	return nil
}
