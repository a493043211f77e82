package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/parley-api/parley/internal/httpapi"
)

// remote says which data set import and export work on: that of an API, or that of the database.
type remote struct {
	URL string `name:"url" env:"PARLEY_URL" placeholder:"URL" help:"Work on the API at this address, such as https://api.example.org. Default: on the database."`
	Key string `name:"key" env:"PARLEY_KEY" placeholder:"KEY" help:"API key for --url; better given by the environment, where others do not see it."`
}

// client speaks to an API. Without a URL that is one in this very process, over the database: what can be written and
// what is answered is the same either way.
type client struct {
	http *http.Client
	base string
	key  string
	sent func(share float64) // told how much of a body is sent; may be nil
}

// meter reads a body and tells how much of it is read.
type meter struct {
	*bytes.Reader
	sent func(share float64)
}

func (m *meter) Read(b []byte) (int, error) {
	n, err := m.Reader.Read(b)
	if m.sent != nil && m.Size() > 0 {
		m.sent(1 - float64(m.Len())/float64(m.Size()))
	}
	return n, err
}

// errProblem is a problem that the API answered with.
type errProblem struct {
	Title  string
	Status int
	Detail string
	Errors []struct{ Parameter, Pointer, Reason, Suggestion string }
}

func (e *errProblem) Error() string { return fmt.Sprintf("%s: %s", e.Title, e.Detail) }

// withClient runs f with a client of the API that the flags name. author is who writes where no key says it; progress is
// told which share of a changeset is written, or sent to where it is; it may be nil.
func (c remote) withClient(e *env, author string, progress func(share float64), f func(ctx context.Context, c *client) error) error {
	if c.URL != "" {
		u, err := url.Parse(c.URL)
		if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			return fmt.Errorf("--url %q is not an address such as https://api.example.org", c.URL)
		}
		api := &client{http: &http.Client{}, base: strings.TrimSuffix(strings.TrimSuffix(c.URL, "/"), "/v1"), key: c.Key}
		if progress != nil {
			api.sent = progress
		}
		return f(e.ctx, api)
	}
	return e.withPool(func(ctx context.Context, db *pgxpool.Pool) error {
		if _, err := db.Exec(ctx, "select from changesets, changes limit 1"); err != nil {
			return schemaMissing(err)
		}
		pipe := newPipe()
		server := &http.Server{Handler: httpapi.New(httpapi.Options{DB: db, Log: quiet(e), Version: programVersion(), Author: author, Progress: progress})} //nolint:gosec // nobody but we connects
		go func() { _ = server.Serve(pipe) }()
		defer server.Close()
		transport := &http.Transport{DialContext: pipe.dial}
		defer transport.CloseIdleConnections()
		return f(ctx, &client{http: &http.Client{Transport: transport}, base: "http://parley"})
	})
}

// quiet is a log of what goes wrong: that requests are made is no news where the program makes them itself.
func quiet(e *env) *slog.Logger {
	return slog.New(slog.NewTextHandler(e.stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
}

// pipe is a network of this process only.
type pipe struct{ connections chan net.Conn }

func newPipe() *pipe { return &pipe{make(chan net.Conn)} }

func (p *pipe) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	here, there := net.Pipe()
	select {
	case p.connections <- there:
		return here, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Accept implements [net.Listener].
func (p *pipe) Accept() (net.Conn, error) {
	if c, open := <-p.connections; open {
		return c, nil
	}
	return nil, net.ErrClosed
}

// Close implements [net.Listener].
func (p *pipe) Close() error {
	defer func() { _ = recover() }() // closed already
	close(p.connections)
	return nil
}

// Addr implements [net.Listener].
func (p *pipe) Addr() net.Addr { return &net.UnixAddr{Name: "parley", Net: "pipe"} }

// do sends a request and returns the answer, if that is a success.
func (c *client) do(ctx context.Context, method, path string, header http.Header, body []byte) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, method, c.base+path, &meter{bytes.NewReader(body), c.sent})
	if err != nil {
		return nil, err
	}
	request.ContentLength = int64(len(body))
	for name, values := range header {
		request.Header[name] = values
	}
	if method != http.MethodGet {
		request.Header.Set("Content-Type", "application/json")
		if c.key != "" {
			request.Header.Set("Authorization", "Bearer "+c.key)
		}
	}
	response, err := c.http.Do(request)
	if err != nil {
		return nil, fmt.Errorf("the API does not answer: %w", err)
	}
	if response.StatusCode < 300 {
		return response, nil
	}
	defer response.Body.Close()
	text, _ := io.ReadAll(io.LimitReader(response.Body, 64<<20))
	problem := &errProblem{}
	if json.Unmarshal(text, problem) != nil || problem.Title == "" {
		return nil, fmt.Errorf("%s%s answered %s, as no Parley API does", c.base, path, response.Status)
	}
	return nil, problem
}

// records streams the records of a collection. The answer is whole, or ends in an error.
func (c *client) records(ctx context.Context, collection string, query url.Values) iter.Seq2[map[string]any, error] {
	return func(yield func(map[string]any, error) bool) {
		response, err := c.do(ctx, http.MethodGet, "/v1/"+collection+".ndjson?"+query.Encode(), nil, nil)
		if err != nil {
			yield(nil, err)
			return
		}
		defer response.Body.Close()
		decoder := json.NewDecoder(bufio.NewReaderSize(response.Body, 1<<20))
		for {
			var record map[string]any
			err := decoder.Decode(&record)
			if errors.Is(err, io.EOF) {
				return
			}
			if !yield(record, err) || err != nil {
				return
			}
		}
	}
}

// revision is the data set's revision as of a moment, "" for now.
func (c *client) revision(ctx context.Context, asOf string) (int64, error) {
	query := url.Values{"limit": {"1"}, "fields": {"id"}}
	if asOf != "" {
		query.Set("as_of", asOf)
	}
	var page struct{ Meta struct{ Revision int64 } }
	response, err := c.do(ctx, http.MethodGet, "/v1/changesets?"+query.Encode(), nil, nil)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	err = json.NewDecoder(response.Body).Decode(&page)
	return page.Meta.Revision, err
}

// operation is a step of a changeset, as the API reads it.
type operation struct {
	Op      string         `json:"op"`
	Type    string         `json:"type"`
	ID      string         `json:"id"`
	Body    map[string]any `json:"body,omitempty"`
	Restore bool           `json:"restore,omitempty"`
}

// change is what a changeset does to a record.
type change struct {
	Op         string
	Collection string
	Record     string
	Difference []fieldChange
}

type fieldChange struct {
	Field         string
	Before, After any
}

// changeset is what came, or would come, of operations.
type changeset struct {
	ID       int64 // of a new one
	Revision int64 // of a dry run, or where nothing changed
	Changes  []change
}

// record sends operations as one changeset. seen is the revision that they were compared with; nil for a dry run.
func (c *client) record(ctx context.Context, message, author string, operations []operation, seen *int64) (*changeset, error) {
	frame := map[string]any{"message": message, "operations": operations}
	if author != "" {
		frame["author"] = author
	}
	body, err := json.Marshal(frame)
	if err != nil {
		return nil, err
	}
	path, header := "/v1/changesets?dry_run=true", http.Header{}
	if seen != nil {
		path = "/v1/changesets"
		header.Set("If-Match", fmt.Sprintf("%q", fmt.Sprint(*seen)))
	}
	response, err := c.do(ctx, http.MethodPost, path, header, body)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	var done changeset
	if err := json.NewDecoder(response.Body).Decode(&done); err != nil {
		return nil, fmt.Errorf("the API's answer cannot be read: %w", err)
	}
	return &done, nil
}
