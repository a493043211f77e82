package client_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/parley-api/parley/api/client"
	"github.com/parley-api/parley/internal/httpapi"
	"github.com/parley-api/parley/internal/pgtest"
	"github.com/parley-api/parley/internal/store"
)

func open(t *testing.T, address string, options ...client.Option) *client.Client {
	t.Helper()
	c, err := client.New(address, options...)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// walk lists a collection and reports the type of its records.
func walk[T any](t *testing.T, c *client.Client, from client.Collection[T]) (string, reflect.Type) {
	t.Helper()
	var ids []string
	for record, err := range client.List(t.Context(), c, from, client.Query{}.Limit(7)) {
		if err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(record)
		if err != nil {
			t.Fatal(err)
		}
		var r struct{ ID json.RawMessage }
		if err := json.Unmarshal(text, &r); err != nil {
			t.Fatal(err)
		}
		ids = append(ids, strings.Trim(string(r.ID), `"`))
	}
	one, err := client.Get(t.Context(), c, from, ids[0], nil)
	if err != nil {
		t.Fatal(err)
	}
	if changed, err := one.Refresh(t.Context(), c); changed || err != nil || one.Revision < 1 || one.ETag == "" {
		t.Errorf("%s again: changed %t, revision %d, validator %q, %v", from, changed, one.Revision, one.ETag, err)
	}
	type id struct {
		ID any `json:"id"`
	}
	total := 0
	for page, err := range client.Pages(t.Context(), c, client.Collection[id](from), client.Query{}.Limit(1).Set("total_count", "true")) {
		if err != nil {
			t.Fatal(err)
		}
		total = *page.Meta.Total
		break
	}
	if len(ids) != total {
		t.Errorf("%s: %d records by a walk, %d in all", from, len(ids), total)
	}
	return string(from), reflect.TypeFor[T]()
}

// TestEveryCollection: there is a constant for each, with the type of its records, and its records can be walked through.
func TestEveryCollection(t *testing.T) {
	server := httptest.NewServer(httpapi.New(httpapi.Options{DB: pgtest.Shared(t)}))
	defer server.Close()
	c := open(t, server.URL+"/v1/")
	got := map[string]reflect.Type{}
	add := func(name string, record reflect.Type) { got[name] = record }
	add(walk(t, c, client.Processes))
	add(walk(t, c, client.Rounds))
	add(walk(t, c, client.Delegations))
	add(walk(t, c, client.People))
	add(walk(t, c, client.Parties))
	add(walk(t, c, client.Proposals))
	add(walk(t, c, client.Commitments))
	add(walk(t, c, client.Claims))
	add(walk(t, c, client.PrisonerExchanges))
	add(walk(t, c, client.BodyRepatriations))
	add(walk(t, c, client.PublishedTotals))
	add(walk(t, c, client.Reports))
	add(walk(t, c, client.Sources))
	add(walk(t, c, client.Events))
	add(walk(t, c, client.Changesets))
	add(walk(t, c, client.Changes))
	add(walk(t, c, client.Coverages))
	for _, table := range store.Tables {
		if want := reflect.TypeOf(table.Record); got[table.Name] != want {
			t.Errorf("%s has %v here, and %v there", table.Name, got[table.Name], want)
		}
	}
	for total, err := range client.List(t.Context(), c, client.PrisonerExchangeTotals, client.Where("by", "year")) {
		if err != nil || total.Period == "" {
			t.Error(total, err)
		}
	}
	for found, err := range client.List(t.Context(), c, client.Search, client.Where("q", "working groups").Limit(3)) {
		if err != nil || found.Record == "" {
			t.Error(found, err)
		}
	}
}

// TestMeta: whatever lists say of themselves has its place in [client.Meta].
func TestMeta(t *testing.T) {
	server := httptest.NewServer(httpapi.New(httpapi.Options{DB: pgtest.Shared(t)}))
	defer server.Close()
	for _, target := range []string{
		"/v1/events?bbox=22,44.3,40.3,52.4&date=2025&total_count=true", "/v1/prisoner-exchanges?reported_by=UA&limit=1", "/v1/search?q=Umerof",
		"/v1/prisoner-exchanges/totals?by=month&bbox=22,44.3,40.3,52.4&date=2025", "/v1/rounds?as_of=0", "/v1/commitments?due_on=2026",
	} {
		response, err := http.Get(server.URL + target) //nolint:noctx // a test
		if err != nil {
			t.Fatal(err)
		}
		var answer struct{ Meta json.RawMessage }
		if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
			t.Fatal(target, err)
		}
		_ = response.Body.Close()
		decoder := json.NewDecoder(bytes.NewReader(answer.Meta))
		decoder.DisallowUnknownFields()
		var m client.Meta
		if err := decoder.Decode(&m); err != nil || strings.Contains(target, "bbox") != (m.ExcludedUnplaced != nil) || strings.Contains(target, "due_on") != (m.ExcludedUndated != nil) {
			t.Errorf("%s: %v: %s", target, err, answer.Meta)
		}
	}
}

func TestQuery(t *testing.T) {
	base := client.Where("party", "UA", "TR")
	for want, q := range map[string]client.Query{
		`map[party:[UA,TR]]`:                                base,
		`map[party:[UA,TR] party.not:[RU]]`:                 base.Not("party", "RU"),
		`map[said_by:["Kyiv, Lviv","a ""b"""]]`:             client.Where("said_by", "Kyiv, Lviv", `a "b"`),
		`map[total:[100..]]`:                                client.Query(nil).Between("total", "100", ""),
		`map[venue.known:[false]]`:                          client.Query{}.Known("venue", false),
		`map[as_of:[42] fields:[id,date] reported_by:[UA]]`: client.Query{}.AsOf("42").Fields("id", "date").ReportedBy("UA"),
		`map[last_event_id:[42-3] limit:[5] sort:[-date]]`:  client.Query{}.Since("42-3").Limit(5).Sort("-date"),
	} {
		if got := fmt.Sprint(map[string][]string(q)); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

// TestWrites: a record is made, changed under its validator, and refused under one that is stale; a retry changes nothing.
func TestWrites(t *testing.T) {
	db := pgtest.DB(t)
	server := httptest.NewServer(httpapi.New(httpapi.Options{DB: db}))
	defer server.Close()
	key, err := newKey(t.Context(), db)
	if err != nil {
		t.Fatal(err)
	}
	ctx, c := t.Context(), open(t, server.URL, client.WithKey(key))
	claim := map[string]any{
		"topic": "other", "claimed_by": "UA", "summary": "A test.", "status": "disputed", "made_on": "2025-07-23",
		"sources": []string{"interbellum-2025-07-23"},
	}
	made, err := client.Put(ctx, c, client.Claims, "test", claim, "A test", client.Guard{IfNew: true})
	if err != nil {
		t.Fatal(err)
	}
	changed := made.Value
	changed.Summary = "Another test."
	again := client.Guard{IfMatch: made.ETag, IdempotencyKey: "once"}
	for range 2 {
		put, err := client.Put(ctx, c, client.Claims, "test", changed, "Other words", again)
		if err != nil || put.Value.Summary != changed.Summary || put.Revision != made.Revision+1 {
			t.Fatalf("%+v, %v", put, err)
		}
	}
	var p *client.Problem
	if _, err := client.Put(ctx, c, client.Claims, "test", claim, "", client.Guard{IfMatch: made.ETag}); !errors.As(err, &p) || p.Status != http.StatusPreconditionFailed {
		t.Errorf("under a stale validator: %v", err)
	}
	if isNew, err := made.Refresh(ctx, c); !isNew || err != nil || made.Value.Summary != changed.Summary {
		t.Errorf("got again: %t, %v, %q", isNew, err, made.Value.Summary)
	}
	done, err := c.Commit(ctx, "Away", []client.Operation{{Op: "delete", Collection: "claims", ID: "test"}}, client.Guard{IfMatch: made.ETag})
	if err != nil || done.ID != made.Revision+1 || len(done.Changes) != 1 {
		t.Errorf("%+v, %v", done, err)
	}
	if _, err := client.Get(ctx, c, client.Claims, "test", nil); !errors.As(err, &p) || p.Kind() != "gone" || p.Memento == "" {
		t.Errorf("a deleted record: %v", err)
	}
	past, err := client.Get(ctx, c, client.Claims, "test", client.Query{}.AsOf("2"))
	if err != nil || past.Value.Summary != "A test." {
		t.Errorf("the past: %+v, %v", past, err)
	}
}

// TestStrangers: what is no API is told apart from one that refuses.
func TestStrangers(t *testing.T) {
	for _, address := range []string{"", "api.example.org", "ftp://example.org", "http://"} {
		if _, err := client.New(address); err == nil {
			t.Errorf("%q is taken for an address", address)
		}
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/rounds") {
			_, _ = w.Write([]byte("<html>"))
			return
		}
		w.Header().Set("Retry-After", "7")
		http.Error(w, "<html>", http.StatusBadGateway)
	}))
	defer server.Close()
	c := open(t, server.URL)
	for _, err := range client.List(t.Context(), c, client.Rounds, nil) {
		if err == nil || !strings.Contains(err.Error(), "cannot be read") {
			t.Errorf("a page that is no JSON: %v", err)
		}
	}
	var p *client.Problem
	if _, err := client.Get(t.Context(), c, client.Claims, "x", nil); !errors.As(err, &p) || p.Status != http.StatusBadGateway || p.RetryAfter.Seconds() != 7 {
		t.Errorf("an answer of a proxy: %v", cmp.Diff(client.Problem{}, *p))
	}
}
