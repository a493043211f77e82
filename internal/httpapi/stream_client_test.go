package httpapi_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/parley-api/parley/internal/httpapi"
	"github.com/parley-api/parley/internal/store"
)

// event is an event of a stream as a client has it.
type event struct{ name, id, data string }

// stream is a client that follows.
type stream struct {
	response *http.Response
	lines    *bufio.Reader
	stop     context.CancelFunc
	retry    string
	comments int
	lastID   string
}

// listening is a server whose watch listens, as serve has it.
func listening(t *testing.T, db *pgxpool.Pool, o httpapi.Options) *httptest.Server {
	t.Helper()
	o.DB, o.Watch, o.PublicURL = db, store.NewWatch(db), "http://parley.test"
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); o.Watch.Listen(ctx, slog.New(slog.DiscardHandler)) }()
	server := httptest.NewServer(httpapi.New(o))
	t.Cleanup(func() { server.CloseClientConnections(); server.Close(); stop(); <-done })
	return server
}

// subscribe opens a stream; headers come in pairs.
func subscribe(t *testing.T, address string, headers ...string) *stream {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), time.Minute) // a test that waits in vain ends
	t.Cleanup(stop)
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = response.Body.Close() })
	s := &stream{response: response, lines: bufio.NewReader(response.Body), stop: stop}
	if response.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(response.Body)
		t.Fatalf("%s: %s: %s", address, response.Status, text)
	}
	return s
}

// next reads the next event, as the standard says.
func (s *stream) next() (e event, err error) {
	for {
		line, err := s.lines.ReadString('\n')
		if err != nil {
			return event{}, err
		}
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ":")
		value = strings.TrimPrefix(value, " ")
		switch {
		case line == "\n" && e.data != "":
			if e.id != "" {
				s.lastID = e.id
			}
			return e, nil
		case line == "\n":
			e = event{}
		case name == "":
			s.comments++
		case name == "retry":
			s.retry = value
		case name == "event":
			e.name = value
		case name == "id":
			e.id = value
		case name == "data":
			e.data += value
		default:
			return event{}, fmt.Errorf("line %q", line)
		}
	}
}

func (s *stream) must(t *testing.T) event {
	t.Helper()
	e, err := s.next()
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// until reads events through the one with an id, all of them but those that only say how far it is.
func (s *stream) until(t *testing.T, id string) (all []event) {
	t.Helper()
	for {
		e := s.must(t)
		if e.name != "revision" {
			all = append(all, e)
		}
		if e.id == id {
			return all
		}
	}
}

// wants compares events, of whose data only the beginning is given.
func wants(t *testing.T, got []event, want ...event) {
	t.Helper()
	for i := range got {
		if i < len(want) && strings.HasPrefix(got[i].data, want[i].data) {
			got[i].data = want[i].data
		}
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(event{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// apply carries out events on records by their ids.
func apply(t *testing.T, records map[string]string, events ...event) {
	t.Helper()
	for _, e := range events {
		var r struct{ ID string }
		if err := json.Unmarshal([]byte(e.data), &r); err != nil {
			t.Fatal(e, err)
		}
		switch e.name {
		case "upsert":
			records[r.ID] = e.data
		case "leave", "delete":
			delete(records, r.ID)
		default:
			t.Fatal(e)
		}
	}
}

// people lists the records of the query of a stream by their ids, which they show.
func people(t *testing.T, a *httptest.Server, path string) map[string]string {
	t.Helper()
	response, err := http.Get(a.URL + strings.Replace(path, ".sse", ".ndjson", 1)) //nolint:noctx // a test
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for line := range strings.SplitSeq(strings.TrimSpace(string(text)), "\n") {
		var r struct{ ID string }
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatal(line, err)
		}
		all[r.ID] = line
	}
	return all
}
