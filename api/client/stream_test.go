package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestMessages: server-sent events are read as HTML defines them, however they arrive.
func TestMessages(t *testing.T) {
	tests := []struct{ name, stream, want string }{
		{"an event", "event: upsert\nid: 42-1\ndata: {}\n\n", `upsert|42-1|{}`},
		{"all ends of lines", "id: 1\rdata: a\r\rid: 2\r\ndata: b\r\n\r\nid: 3\ndata: c\n\n", "|1|a |2|b |3|c"},
		{"a mark of byte order", "\ufeffdata: a\n\n", "||a"},
		{"several lines of data", "data: a\ndata\ndata:  b\n\n", "||a/n/n b"},
		{"comments, and fields of others", ": heart\n\nfoo: bar\ndata: a\n: beat\n\n", "||a"},
		{"an id stays until another comes", "id: 7\ndata: a\n\ndata: b\n\nid\ndata: c\n\n", "|7|a |7|b ||c"},
		{"an id alone", "id: 7\n\n", "|7|-"},
		{"an id with a zero byte", "id: 7\ndata: a\n\nid: \x00\ndata: b\n\n", "|7|a |7|b"},
		{"the kind does not stay", "event: x\ndata: a\n\ndata: b\n\nevent: y\n\n", "x||a ||b"},
		{"what has no end is no event", "data: a\n\nid: 9\ndata: b\n", "||a"},
		{"waiting", "retry: 1500\nretry: 1e3\nretry: -1\ndata: a\n\n", "||a wait 1.5s"},
		{"nothing", "", ""},
	}
	for _, test := range tests {
		for name, r := range map[string]io.Reader{
			"whole": strings.NewReader(test.stream), "by bytes": iotest.OneByteReader(strings.NewReader(test.stream)),
		} {
			t.Run(test.name+" "+name, func(t *testing.T) {
				var got []string
				wait := ""
				for m := range messages(r, "", func(d time.Duration) { wait = " wait " + d.String() }) {
					data := "-"
					if m.data != nil {
						data = strings.ReplaceAll(string(m.data), "\n", "/n")
					}
					got = append(got, m.kind+"|"+m.id+"|"+data)
				}
				if text := strings.Join(got, " ") + wait; text != test.want {
					t.Errorf("%q, want %q", text, test.want)
				}
			})
		}
	}
}

// FuzzMessages: whatever comes, however it is divided, is the same events, none of which has the end of a line in its id or kind.
func FuzzMessages(f *testing.F) {
	f.Add("event: a\r\nid: 1\rdata: x\n\n")
	f.Fuzz(func(t *testing.T, stream string) {
		read := func(r io.Reader) []message {
			var all []message
			for m := range messages(r, "", func(time.Duration) {}) {
				all = append(all, message{m.kind, m.id, slices.Clone(m.data)})
			}
			return all
		}
		whole, bytes := read(strings.NewReader(stream)), read(iotest.OneByteReader(strings.NewReader(stream)))
		if diff := cmp.Diff(whole, bytes, cmp.AllowUnexported(message{})); diff != "" {
			t.Errorf("whole (-) and by bytes (+):\n%s", diff)
		}
		for _, m := range whole {
			if strings.ContainsAny(m.kind+m.id, "\r\n\x00") && !strings.Contains(m.kind, "\x00") {
				t.Errorf("%q", m)
			}
		}
	})
}

// tape is a server whose streams are cut as a script says, and what it was asked.
type tape struct {
	sync.Mutex
	answers []http.HandlerFunc // one a connection, the last one for all that follow
	asked   []string
}

func (p *tape) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.Lock()
	p.asked = append(p.asked, r.URL.RequestURI()+" "+r.Header.Get("Last-Event-ID"))
	answer := p.answers[0]
	if len(p.answers) > 1 {
		p.answers = p.answers[1:]
	}
	p.Unlock()
	answer(w, r)
}

// sends answers with a stream that ends after what it sends.
func sends(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, text)
	}
}

// hangs answers with a stream that says something, and then nothing more.
func hangs(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		sends(text)(w, r)
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	}
}

func fails(status int, headers ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		w.WriteHeader(status)
		_, _ = fmt.Fprintf(w, `{"title": "No", "status": %d}`, status)
	}
}

// aborts cuts the connection in the middle of an event.
func aborts(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		sends(text)(w, r)
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}
}

// follow follows a server to the first reset, or an error.
func follow(t *testing.T, ctx context.Context, server http.Handler, query Query, options ...Option) ([]string, error) {
	t.Helper()
	running := httptest.NewServer(server)
	defer running.Close()
	defer running.CloseClientConnections()
	c, err := New(running.URL, append(options, func(c *Client) { c.retry = time.Millisecond })...)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for e, err := range Stream(ctx, c, Rounds, query) {
		if err != nil {
			return got, err
		}
		got = append(got, fmt.Sprint(e.Kind, " ", e.ID, " ", e.Record.ID, e.Record.Title))
		if e.Kind == Reset {
			return got, nil
		}
	}
	return got, nil
}

const (
	one = "retry: 1\n\nevent: upsert\nid: 2-1\ndata: {\"id\":\"a\",\"title\":\"A\"}\n\n"
	two = "event: leave\nid: 2-2\ndata: {\"id\":\"b\"}\n\n"
	end = "event: reset\nid: 9\ndata: {}\n\n"
)

// TestStreamResumes: over cuts and failures every event comes once, and the server is told how far we are.
func TestStreamResumes(t *testing.T) {
	p := &tape{answers: []http.HandlerFunc{
		fails(http.StatusServiceUnavailable, "Retry-After", "0"),
		sends(": beat\n\n" + one), aborts(two + "event: delete\nid: 3-1\ndata: {\"id\":"), fails(http.StatusTooManyRequests), fails(http.StatusBadGateway),
		aborts("event: delete\nid: 3-1\ndata: {\"id\":\"c\"}\n\n"), sends(end),
	}}
	got, err := follow(t, t.Context(), p, Where("party", "UA").Since("1"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"upsert 2-1 aA", "leave 2-2 ", "delete 3-1 ", "reset 9 "}, got); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	const list = "/v1/rounds?last_event_id=1&party=UA "
	if diff := cmp.Diff([]string{list, list, list + "2-1", list + "2-2", list + "2-2", list + "2-2", list + "3-1"}, p.asked); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
}

// TestStreamSilence: a connection by which nothing comes any more is given up.
func TestStreamSilence(t *testing.T) {
	server := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Last-Event-ID") == "" {
			hangs(one)(w, r)
		} else {
			sends(end)(w, r)
		}
	})
	got, err := follow(t, t.Context(), server, nil, func(c *Client) { c.quiet = 200 * time.Millisecond })
	if diff := cmp.Diff([]string{"upsert 2-1 aA", "reset 9 "}, got); diff != "" || err != nil {
		t.Errorf("%v, events (-want +got):\n%s", err, diff)
	}
}

// TestStreamEnds: with the context, and where trying again would mend nothing.
func TestStreamEnds(t *testing.T) {
	var problem *Problem
	if _, err := follow(t, t.Context(), &tape{answers: []http.HandlerFunc{fails(http.StatusBadRequest)}}, nil); !errors.As(err, &problem) || problem.Status != 400 {
		t.Errorf("after a refusal: %v", err)
	}
	page := func(w http.ResponseWriter, _ *http.Request) { _ = json.NewEncoder(w).Encode("a page") }
	if _, err := follow(t, t.Context(), &tape{answers: []http.HandlerFunc{page}}, nil); err == nil || !strings.Contains(err.Error(), "not a stream") {
		t.Errorf("after a page: %v", err)
	}
	if _, err := follow(t, t.Context(), &tape{answers: []http.HandlerFunc{sends("event: upsert\ndata: [\n\n")}}, nil); err == nil {
		t.Error("after an event that cannot be read: no error")
	}
	ctx, cancel := context.WithCancel(t.Context())
	stop := func(w http.ResponseWriter, r *http.Request) {
		cancel()
		hangs("")(w, r)
	}
	if got, err := follow(t, ctx, &tape{answers: []http.HandlerFunc{sends(one), stop}}, nil); !errors.Is(err, context.Canceled) || len(got) != 1 {
		t.Errorf("after the end of the context: %v, %v", got, err)
	}
	ctx, cancel = context.WithCancel(t.Context())
	away := func(w http.ResponseWriter, r *http.Request) {
		cancel()
		fails(http.StatusServiceUnavailable, "Retry-After", "3600")(w, r)
	}
	if _, err := follow(t, ctx, &tape{answers: []http.HandlerFunc{away}}, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("the end of the context while waiting: %v", err)
	}
}
