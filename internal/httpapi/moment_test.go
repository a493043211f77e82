package httpapi_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/parley-api/parley/internal/httpapi"
	"github.com/parley-api/parley/internal/pgtest"
	"github.com/parley-api/parley/internal/store"
	"github.com/parley-api/parley/internal/talks"
)

// newWritable is a server over a database of the test's own, and that database.
func newWritable(t *testing.T) (*testAPI, *pgxpool.Pool) {
	t.Helper()
	db := pgtest.DB(t)
	server := httptest.NewServer(httpapi.New(httpapi.Options{DB: db, Version: "test"}))
	t.Cleanup(server.Close)
	return &testAPI{Server: server}, db
}

// history is what happens to the data set in these tests: every kind of part changes, appears and goes.
var history = []struct {
	recordedAt string
	statements []string
}{
	{"2026-11-24T08:00:00Z", []string{"update rounds set duration_minutes = 38 where id = 'istanbul-2025-3'"}},
	{"2026-11-24T09:00:00Z", []string{
		"update prisoner_exchange_transfers set total = 251 where prisoner_exchange = 'exchange-2025-07-23' and from_party = 'RU'",
		"delete from prisoner_exchange_mediators where prisoner_exchange = 'exchange-2025-05-23'",
		"update delegation_members set role = 'Adviser' where person = 'rustem-umerov'",
	}},
	{"2026-11-25T10:00:00Z", []string{
		"delete from claims where id = 'kursk-exchange-terms-2026-02'",
		"insert into sources (id, publisher, title, title_is_descriptive, language, kind) values ('test-source', 'Test', 'Test', true, 'en', 'news')",
		"insert into claims (id, topic, claimed_by, summary, made_on, status) values ('test-claim', 'other', 'UA', 'A test.', '2026-11-25', 'uncontested')",
		"insert into claim_sources (claim, source, position) values ('test-claim', 'test-source', 1)",
		"update people set name = 'V. Medinsky' where id = 'vladimir-medinsky'",
		"update sources set publisher = 'Inter Bellum' where id = 'interbellum-2025-07-23'",
		"update coverage set missing = 'Something.' where id = 'claims'",
	}},
	{"2026-11-26T10:00:00Z", []string{
		"delete from reports where prisoner_exchange = 'exchange-2025-07-23'",
		"delete from prisoner_exchanges where id = 'exchange-2025-07-23'",
		"update commitments set due_on = '2025-12-31' where id = 'istanbul-2025-3-exchange-1200'",
		"delete from claims where id = 'test-claim'",
	}},
}

// absent stands for the answer about a record that there is not.
const absent = "404 or 410"

// TestAsOfIsWhatWas: every collection, in every form, answers with as_of exactly what it answered then.
func TestAsOfIsWhatWas(t *testing.T) {
	a, db := newWritable(t)
	remember := func() map[string]string {
		answers := map[string]string{}
		for _, table := range store.Tables {
			list := "/v1/" + table.Name
			for _, target := range []string{list + ".ndjson", list + ".csv", list + ".parquet", list + ".ndjson?sort=-id&limit=7"} {
				_, body := a.do(t, http.MethodGet, target)
				answers[target] = string(body)
			}
			if table.Figures {
				_, body := a.do(t, http.MethodGet, list+".ndjson?reported_by=UA")
				answers[list+".ndjson?reported_by=UA"] = string(body)
			}
			if table.Search.Config != nil {
				_, body := a.do(t, http.MethodGet, list+".ndjson?q=test+or+exchange+or+medinsky")
				answers[list+".ndjson?q=test+or+exchange+or+medinsky"] = string(body)
			}
		}
		for _, target := range []string{
			"/v1/rounds/istanbul-2025-3", "/v1/claims/test-claim", "/v1/claims/kursk-exchange-terms-2026-02", "/v1/prisoner-exchanges/exchange-2025-07-23",
			"/v1/prisoner-exchanges.csv?from=RU&total=200..300", "/v1/rounds.ndjson?person=rustem-umerov", "/v1/rounds.geojson?bbox=22,44.3,40.3,52.4", "/v1/events.geojson", "/v1/prisoner-exchanges/totals.parquet?by=month", "/v1/events.ndjson?party=TR",
			"/v1/prisoner-exchanges/totals.csv?by=month", "/v1/prisoner-exchanges/totals.ndjson?by=mediator&reported_by=RU", "/v1/body-repatriations/totals.csv?by=year",
			"/v1/search.ndjson?q=exchange", "/v1/search.ndjson?q=Umerof", "/v1/commitments.csv?status=open,overdue", "/v1/prisoner-exchanges.csv?disputed=true",
		} {
			response, body := a.do(t, http.MethodGet, target)
			if response.StatusCode == 200 {
				answers[target] = string(body)
			} else {
				answers[target] = absent
			}
		}
		return answers
	}
	moments := []map[string]string{1: remember()}
	for _, h := range history {
		pgtest.Change(t, db, &h.recordedAt, h.statements...)
		moments = append(moments, remember())
	}
	for revision := 1; revision < len(moments); revision++ {
		for target, was := range moments[revision] {
			separator := "?"
			if strings.Contains(target, "?") {
				separator = "&"
			}
			response, body := a.do(t, http.MethodGet, target+separator+"as_of="+itoa(revision))
			if was == absent {
				if response.StatusCode != 404 {
					t.Errorf("%s as of %d: %s", target, revision, response.Status)
				}
				continue
			}
			if diff := cmp.Diff(was, string(body)); diff != "" {
				t.Errorf("%s as of %d (-then +now):\n%.2000s", target, revision, diff)
			}
			if response.Header.Get("Cache-Control") != "public, max-age=31536000, immutable" || response.Header.Get("Memento-Datetime") == "" || response.Header.Get("Parley-Revision") != itoa(revision) {
				t.Errorf("%s as of %d: %v", target, revision, response.Header)
			}
		}
	}
}

// TestAsOfSpellings: revisions, days and instants; before the first, and in the future.
func TestAsOfSpellings(t *testing.T) {
	a, db := newWritable(t)
	for _, h := range history {
		pgtest.Change(t, db, &h.recordedAt, h.statements...)
	}
	tests := []struct {
		asOf     string
		status   int
		revision string
		settled  bool
		want     string // part of the body
	}{
		{"1", 200, "1", true, `"as_of":"2026-11-23T00:00:00Z"`},
		{"5", 200, "5", true, ""},
		{"2026-11-23", 200, "1", true, ""},
		{"2026-11-24", 200, "3", true, ""},
		{"2026-11-24T08:00:00Z", 200, "2", true, `"as_of":"2026-11-24T08:00:00Z"`},
		{"2026-11-24T07:59:59.999Z", 200, "1", true, ""},
		{"2026-11-24T10:59:59%2B02:00", 200, "2", true, ""},
		{"0", 200, "0", true, `"data":[]`},
		{"2025-08-01T00:00:00Z", 200, "0", true, `"data":[]`},
		{"2025-08-01", 200, "0", true, `"as_of":null`},
		{"6", 400, "", false, "is in the future: the data set is at revision 5"},
		{"9999-01-01", 400, "", false, "in the future"},
		{"2025-08", 400, "", false, "neither a revision"},
		{"-1", 400, "", false, "neither a revision"},
		{"now", 400, "", false, "neither a revision"},
		{"99999999999999999999", 400, "", false, "neither a revision"},
	}
	// The clock stands two days after the last change.
	server := httptest.NewServer(httpapi.New(httpapi.Options{DB: db, Now: func() time.Time { return time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC) }}))
	defer server.Close()
	a.Server = server
	for _, tt := range tests {
		t.Run(tt.asOf, func(t *testing.T) {
			response, body := a.do(t, http.MethodGet, "/v1/rounds?limit=1&as_of="+tt.asOf)
			immutable := strings.Contains(response.Header.Get("Cache-Control"), "immutable")
			if response.StatusCode != tt.status || response.Header.Get("Parley-Revision") != tt.revision || immutable != tt.settled || !strings.Contains(string(body), tt.want) {
				t.Errorf("got %s %v: %s", response.Status, response.Header, body)
			}
		})
	}
	// A day that is not over may still bring changes: its answer is not kept.
	response, _ := a.do(t, http.MethodGet, "/v1/rounds?as_of=2026-11-28")
	if response.StatusCode != 200 || strings.Contains(response.Header.Get("Cache-Control"), "immutable") {
		t.Errorf("today: %s %v", response.Status, response.Header)
	}
	if response, _ := a.do(t, http.MethodGet, "/v1/rounds?as_of=2026-11-29"); response.StatusCode != 400 {
		t.Errorf("tomorrow: %s", response.Status)
	}
	// A record: not yet, then there, then gone.
	for target, want := range map[string]struct {
		status int
		text   string
	}{
		"/v1/claims/test-claim?as_of=2":                       {404, "not recorded yet"},
		"/v1/claims/test-claim?as_of=4":                       {200, "A test."},
		"/v1/claims/test-claim":                               {410, "as_of=4 shows it"},
		"/v1/claims/test-claim?as_of=0":                       {404, "not recorded yet"},
		"/v1/claims/test-klaim":                               {404, "no record with this id"},
		"/v1/claims/kursk-exchange-terms-2026-02":             {410, "revision 4 deleted"},
		"/v1/claims/kursk-exchange-terms-2026-02?as_of=3":     {200, "unacceptable"},
		"/v1/claims/kursk-exchange-terms-2026-02.csv?as_of=5": {404, "no more"},
	} {
		if response, body := a.do(t, http.MethodGet, target); response.StatusCode != want.status || !strings.Contains(string(body), want.text) {
			t.Errorf("%s: %s %s", target, response.Status, body)
		}
	}
}

// TestHistory: what happened to one record, in every form; what has never been has none.
func TestHistory(t *testing.T) {
	a, db := newWritable(t)
	for _, h := range history {
		pgtest.Change(t, db, &h.recordedAt, h.statements...)
	}
	tests := []struct {
		target string
		status int
		want   string
	}{
		{"/v1/claims/test-claim/history.csv?fields=revision,op", 200, "revision,op\r\n4,create\r\n5,delete\r\n"},
		{"/v1/prisoner-exchanges/exchange-2025-07-23/history.csv?fields=revision,op", 200, "revision,op\r\n1,create\r\n3,update\r\n5,delete\r\n"},
		{"/v1/prisoner-exchanges/exchange-2025-07-23/history.csv?fields=revision,op&as_of=2", 200, "revision,op\r\n1,create\r\n"},
		{"/v1/rounds/istanbul-2025-3/history?sort=-id&limit=1&fields=revision", 200, `{"data":[{"revision":3}],"next":"http`},
		{"/v1/rounds/istanbul-2025-9/history", 404, "no record with this id"},
		{"/v1/events/round-istanbul-2025-3/history", 404, ""},
		{"/v1/nothing/x/history", 404, ""},
		{"/v1/rounds/istanbul-2025-3/history?x=1", 400, "no such parameter"},
	}
	for _, tt := range tests {
		if response, body := a.do(t, http.MethodGet, tt.target); response.StatusCode != tt.status || !strings.HasPrefix(string(body), tt.want) && !(tt.status >= 400 && strings.Contains(string(body), tt.want)) {
			t.Errorf("%s: %s %s", tt.target, response.Status, body)
		}
	}
}

// TestPermalink: what a list gives as its permalink answers the same after the data set has changed.
func TestPermalink(t *testing.T) {
	a, db := newWritable(t)
	type list struct {
		Data []json.RawMessage
		Meta struct {
			Permalink string
			Revision  int64
		}
	}
	then := get[list](t, a, "/v1/claims?status=uncontested&fields=id,summary")
	first, pinned := a.do(t, http.MethodGet, then.Meta.Permalink)
	for _, h := range history {
		pgtest.Change(t, db, &h.recordedAt, h.statements...)
	}
	again, now := a.do(t, http.MethodGet, then.Meta.Permalink)
	if diff := cmp.Diff(string(pinned), string(now)); diff != "" || first.Header.Get("ETag") != again.Header.Get("ETag") {
		t.Errorf("the permalink changed:\n%s", diff)
	}
	var cited list
	if err := json.Unmarshal(now, &cited); err != nil || cmp.Diff(then.Data, cited.Data) != "" || cited.Meta.Revision != 1 || cited.Meta.Permalink != then.Meta.Permalink {
		t.Errorf("the permalink says %s, %v", now, err)
	}
	if link := strings.Join(again.Header.Values("Link"), ","); !strings.Contains(link, "<"+then.Meta.Permalink+`>; rel="memento"`) {
		t.Errorf("Link is %s", link)
	}
	if response, _ := a.do(t, http.MethodGet, then.Meta.Permalink, "If-None-Match", first.Header.Get("ETag")); response.StatusCode != 304 {
		t.Errorf("with its validator: %s", response.Status)
	}
}

// TestWalkSeesOneMoment: a walk that has begun goes on at its revision, whatever is changed meanwhile.
func TestWalkSeesOneMoment(t *testing.T) {
	a, db := newWritable(t)
	want := get[page[talks.Claim]](t, a, "/v1/claims?limit=1000&sort=id").Data
	var got []talks.Claim
	for i, target := 0, "/v1/claims?limit=5&sort=id"; target != ""; i++ {
		p := get[page[talks.Claim]](t, a, target)
		got = append(got, p.Data...)
		if p.Meta["revision"] != 1.0 {
			t.Errorf("page %d is of revision %v", i, p.Meta["revision"])
		}
		target = ""
		if p.Next != nil {
			target = *p.Next
		}
		if i < len(history) {
			pgtest.Change(t, db, &history[i].recordedAt, history[i].statements...)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-at the beginning +by pages:\n%s", diff)
	}
}

// TestChangesetInProgress: an instant is settled, and its answer may be kept for ever, only when no changeset is in
// progress that may still be recorded for it.
func TestChangesetInProgress(t *testing.T) {
	a, db := newWritable(t)
	ask := func() string {
		response, _ := a.do(t, http.MethodGet, "/v1/parties?as_of=2026-11-23T12:00:00Z&limit=1")
		return response.Header.Get("Parley-Revision") + " " + response.Header.Get("Cache-Control")
	}
	settled := ask()
	tx, err := db.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), "insert into changesets (author, message, recorded_at) values ('test', 'test', '2026-11-23T06:00:00Z')"); err != nil {
		t.Fatal(err)
	}
	during := ask()
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if after := ask(); !strings.HasPrefix(settled, "1 public, max-age=31536000") || !strings.HasPrefix(during, "1 public, max-age=5") || !strings.HasPrefix(after, "2 public, max-age=31536000") {
		t.Errorf("before: %s; during: %s; after: %s", settled, during, after)
	}
}
