package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/parley-api/parley/internal/apikey"
	"github.com/parley-api/parley/internal/record"
	"github.com/parley-api/parley/internal/store"
)

// writing is the records of one run, which are new to any database: their ids begin with the second at which it began.
type writing struct {
	*bench
	run    string
	header string // with the key
	next   atomic.Uint64
}

// writes measures changesets over HTTP, an import, and how soon another process knows of a changeset. What it writes
// stays; it is dated before all else that is synthetic.
func (b *bench) writes() (s section, err error) {
	s.about = "Sixteen writers record changesets of one new exchange each, durably; an import records many in one; a second server on the same database is watched until its answer shows " +
		"the revision that the first has recorded."
	w := &writing{bench: b, run: "synthetic-write-" + strconv.FormatInt(time.Now().Unix(), 36)}
	var durable string
	if err := b.db.QueryRow(b.ctx, "show synchronous_commit").Scan(&durable); err != nil || durable != "on" {
		return s, errors.Join(fmt.Errorf("synchronous_commit is %q: figures of writes need it on", durable), err)
	}
	end, err := w.key()
	if err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, end()) }()
	for _, kind := range []struct {
		name    string
		request func(space []byte, n uint64) []byte
	}{{"PUT of a record, changesets a second", w.put}, {"POST of a changeset, changesets a second", w.post}} {
		l, err := w.many(kind.name, kind.request)
		if err != nil {
			return s, fmt.Errorf("%s: %w", kind.name, err)
		}
		s.lines = append(s.lines, l)
	}
	told, err := w.told()
	if err != nil {
		return s, fmt.Errorf("a second server: %w", err)
	}
	imported, err := w.imported()
	s.lines = append(append(s.lines, told...), imported)
	return s, err
}

// key makes a key as parley keys create does, and returns what ends it.
func (w *writing) key() (end func() error, err error) {
	key, err := apikey.New(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("making a key: %w", err)
	}
	if err := store.CreateKey(w.ctx, w.db, store.Key{ID: key.ID, Name: "parley-bench", Scopes: []string{store.ScopeWrite}}, key.Hash()); err != nil {
		return nil, err
	}
	w.header = "Authorization: Bearer " + key.Text() + "\r\n"
	return func() error {
		_, err := store.RevokeKey(context.WithoutCancel(w.ctx), w.db, key.ID)
		return err
	}, nil
}

// document is a new exchange: its id and its body.
func (w *writing) document(n uint64) (id string, body map[string]any) {
	i := int(n)
	body = exchangeBody(i, firstDay.AddDate(0, 0, -1-i*7919%syntheticDays))
	delete(body, "commitment") // there are none of these years
	return w.run + "-" + strconv.Itoa(i), body
}

func (w *writing) put(space []byte, n uint64) []byte {
	id, body := w.document(n)
	return send(space, "PUT", w.parley.address, "/v1/prisoner-exchanges/"+id, w.header, encode(body))
}

func (w *writing) post(space []byte, n uint64) []byte {
	id, body := w.document(n)
	operation := map[string]any{"op": "put", "type": "prisoner-exchanges", "id": id, "body": body}
	return send(space, "POST", w.parley.address, "/v1/changesets", w.header, encode(map[string]any{"message": "Synthetic write", "operations": []any{operation}}))
}

// encode writes values of our own making, which always can be written.
func encode(value any) []byte {
	text, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	return text
}

// many is how many changesets sixteen writers record.
func (w *writing) many(name string, r requests) (line, error) {
	const writers, created, target = 16, 201, 1000
	s := newSide(w.parley.address, writers, created, r, &w.next)
	figures, err := w.alternate(s.measure(w.bench))
	if err != nil {
		return line{}, err
	}
	l := above(name, figures[0], "/s", target)
	l.parley += s.times()
	return l, nil
}

// told is how long after a write was answered a second server answers with its revision.
func (w *writing) told() (lines []line, err error) {
	const target = 20 // ms
	second, err := w.start(w.url, "")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, second.stop()) }()
	writer, err := dial(w.parley.address)
	if err != nil {
		return nil, err
	}
	defer writer.Close()
	reader, err := dial(second.address)
	if err != nil {
		return nil, err
	}
	defer reader.Close()
	request := get(second.address, w.data.record(1), "")
	var took []time.Duration
	for range w.Writes {
		if _, err := reader.do(request, nil); err != nil { // so that an answer is kept
			return nil, err
		}
		wrote, err := writer.do(w.put(nil, w.next.Add(1)), nil)
		if err != nil || wrote.status != 201 || wrote.revision == 0 {
			return nil, errors.Join(fmt.Errorf("a write is answered with status %d and revision %d", wrote.status, wrote.revision), err)
		}
		begin := time.Now()
		for {
			read, err := reader.do(request, nil)
			if err != nil {
				return nil, err
			}
			if read.revision >= wrote.revision {
				break
			}
			if time.Since(begin) > startTime {
				return nil, fmt.Errorf("it never answers with revision %d", wrote.revision)
			}
		}
		took = append(took, time.Since(begin))
	}
	slices.Sort(took)
	return []line{
		below("a second server knows, p50", []float64{inMillis(percentile(took, 0.5))}, "ms", 0),
		below("a second server knows, p99", []float64{inMillis(percentile(took, 0.99))}, "ms", target),
	}, nil
}

// imported is how long many records take in one changeset.
func (w *writing) imported() (line, error) {
	const target = 30 // s, for a hundred thousand
	operations := make([]store.Operation, w.ImportRecords)
	for i := range operations {
		id, body := w.document(w.next.Add(1))
		operations[i] = put(record.PrisonerExchanges, id, body)
	}
	begin := time.Now()
	if err := recordAll(w.ctx, w.db, "Synthetic import", operations); err != nil {
		return line{}, err
	}
	took := time.Since(begin).Seconds()
	return below(fmt.Sprintf("import of %s records in one changeset", amountOf(float64(w.ImportRecords), "")), []float64{took}, "s", target*float64(w.ImportRecords)/100_000), nil
}
