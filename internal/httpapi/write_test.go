package httpapi_test

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/parley-api/parley/internal/apikey"
	"github.com/parley-api/parley/internal/httpapi"
	"github.com/parley-api/parley/internal/pgtest"
	"github.com/parley-api/parley/internal/store"
)

// desk is a site with a database of its own and a key to write to it. Every answer is held to the contract.
type desk struct {
	*site
	db  *pgxpool.Pool
	key string
}

func newDesk(t *testing.T, o httpapi.Options) *desk {
	t.Helper()
	o.DB = pgtest.DB(t)
	return &desk{open(t, o), o.DB, newKey(t, o.DB, store.Key{Name: "desk", Scopes: []string{store.ScopeWrite}})}
}

func newKey(t *testing.T, db *pgxpool.Pool, k store.Key) string {
	t.Helper()
	key, err := apikey.New(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	k.ID = key.ID
	if err := store.CreateKey(t.Context(), db, k, key.Hash()); err != nil {
		t.Fatal(err)
	}
	return key.Text()
}

// write sends a request with the desk's key and a JSON body; headers are pairs of name and value.
func (d *desk) write(t *testing.T, method, target, body string, status int, headers ...string) answer {
	t.Helper()
	h := http.Header{"Authorization": {"Bearer " + d.key}, "Content-Type": {"application/json"}}
	for i := 0; i < len(headers); i += 2 {
		h.Set(headers[i], headers[i+1])
	}
	if h.Get("Content-Type") == "-" {
		h.Del("Content-Type")
	}
	return d.do(t, method, target, h, status, body)
}

// newClaim is the body of a claim.
const newClaim = `{"topic": "other", "claimed_by": "UA", "summary": "A test.", "status": "disputed", "made_on": "2025-07-23", "sources": ["interbellum-2025-07-23"]}`

func (d *desk) revision(t *testing.T) int64 {
	t.Helper()
	n, err := store.Revision(t.Context(), d.db)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// problemOf is the kind of a problem with the places of its faults.
func problemOf(t *testing.T, a answer) string {
	t.Helper()
	p := decode[struct {
		Type   string
		Errors []struct{ Parameter, Pointer string }
	}](t, a.body)
	text := p.Type[strings.LastIndex(p.Type, "/")+1:]
	for _, e := range p.Errors {
		text += " " + e.Parameter + e.Pointer
	}
	return text
}

// TestOneRecord follows a record from its making to its end and back.
func TestOneRecord(t *testing.T) {
	d := newDesk(t, httpapi.Options{})
	const claim = "/v1/claims/test"
	d.get(t, claim, 404)
	d.write(t, "PUT", claim, newClaim, 412, "If-Match", "*")
	d.write(t, "PATCH", claim, "{}", 404, "If-Match", "*")
	d.write(t, "DELETE", claim, "", 404, "If-Match", "*")

	preview := d.write(t, "PUT", claim+"?dry_run=true", newClaim, 200, "If-None-Match", "*")
	if d.get(t, claim, 404); d.revision(t) != 1 || !strings.Contains(string(preview.body), `"op":"create"`) {
		t.Errorf("dry run: %s", preview.body)
	}
	made := d.write(t, "PUT", claim+"?message=A+test", newClaim, 201, "If-None-Match", "*")
	shown := d.get(t, claim, 200)
	if !bytes.Equal(made.body, shown.body) || made.response.Header.Get("Location") != d.url+claim || made.response.Header.Get("Etag") != shown.response.Header.Get("Etag") {
		t.Errorf("made (-) and shown (+):\n%s", cmp.Diff(string(made.body), string(shown.body)))
	}
	d.write(t, "PUT", claim, newClaim, 412, "If-None-Match", "*")
	d.write(t, "PUT", claim, newClaim, 428)
	d.write(t, "DELETE", claim, "", 428)

	// What is the same already makes no revision, be it written as sent or as shown.
	for _, body := range []string{newClaim, string(shown.body)} {
		same := d.write(t, "PUT", claim, body, 200, "If-Match", made.response.Header.Get("Etag"))
		if got := same.response.Header.Get("Parley-Revision"); got != "2" || !bytes.Equal(same.body, shown.body) {
			t.Errorf("revision %s after writing the same", got)
		}
	}
	etag := made.response.Header.Get("Etag")
	d.write(t, "PATCH", "/v1/people/rustem-umerov", `{"aliases": ["Rustem Umyerov"]}`, 200, "If-Match", "*")
	changed := d.write(t, "PATCH", claim, `{"note": "Seen.", "made_on": null}`, 200, "If-Match", etag, "Content-Type", "application/merge-patch+json")
	if r := decode[map[string]any](t, changed.body); r["note"] != "Seen." || r["made_on"] != nil || r["summary"] != "A test." || r["revision"] != 4.0 {
		t.Errorf("patched: %s", changed.body)
	}
	stale := d.write(t, "PATCH", claim, `{"note": "Lost."}`, 412, "If-Match", etag)
	if got := problemOf(t, stale); got != "precondition-failed If-Match" {
		t.Error(got)
	}
	d.write(t, "DELETE", claim, "", 412, "If-Match", `"3"`)
	d.write(t, "DELETE", claim, "", 412, "If-Match", `"5"`) // which is not there
	d.write(t, "PUT", claim+".csv", newClaim, 404, "If-Match", "*")
	gone := d.write(t, "DELETE", claim+"?message=Retracted", "", 204, "If-Match", `"4"`, "Content-Type", "-")
	if len(gone.body) > 0 || gone.response.Header.Get("Parley-Revision") != "5" {
		t.Errorf("deleted: %v %s", gone.response.Header, gone.body)
	}
	last := decode[struct{ Memento string }](t, d.get(t, claim, 410).body)
	if last.Memento != d.url+claim+"?as_of=4" {
		t.Errorf("as it last was: %q", last.Memento)
	}
	d.get(t, claim+"?as_of=4", 200)
	d.write(t, "PATCH", claim, "{}", 410, "If-Match", "*")
	d.write(t, "PUT", claim, newClaim, 409, "If-None-Match", "*")
	d.write(t, "PUT", claim+"?restore=true", newClaim, 403, "If-None-Match", "*")
	d.key = newKey(t, d.db, store.Key{Name: "chief", Scopes: []string{store.ScopeAdmin}})
	d.write(t, "PUT", claim+"?restore=true", newClaim, 201, "If-None-Match", "*")

	feed := decode[struct {
		Data []struct {
			Op, Author, Message string
			Revision            int64
		}
	}](t, d.get(t, claim+"/history", 200).body)
	want := "[{create desk A test 2} {update desk Patch claims/test 4} {delete desk Retracted 5} {create chief Put claims/test 6}]"
	if got := fmt.Sprint(feed.Data); got != want {
		t.Errorf("history: %s\nwant     %s", got, want)
	}
	d.get(t, "/v1/changesets/4", 200)
}

// TestChangeset: many records as one, referring to each other in any order; and what it changed.
func TestChangeset(t *testing.T) {
	d := newDesk(t, httpapi.Options{})
	const body = `{"message": "A fourth round.", "operations": [
		{"op": "put", "type": "commitments", "id": "test-exchange", "body": {"round": "test-round", "agreed_on": "2026-11-20", "kind": "prisoner_exchange", "summary": "All wounded.",
			"parties": ["RU", "UA"], "targets": [{"from": "RU", "to": "UA", "value": 100, "qualifier": "about", "unit": "people"}], "sources": ["test-source"],
			"reports": [{"field": "target.RU-UA", "value": 100, "qualifier": "about", "party": "UA", "said_by": "test-person", "source": "test-source"}]}},
		{"op": "put", "type": "rounds", "id": "test-round", "body": {"process": "istanbul-2025", "title": "Fourth round", "starts_on": "2026-11-20", "ends_on": "2026-11-20", "status": "held",
			"format": "online", "summary": "A test.", "sources": ["test-source"], "delegations": [{"party": "UA", "head": "test-person", "members": [{"person": "test-person", "role": "Head"}], "sources": ["test-source"]}]}},
		{"op": "put", "type": "people", "id": "test-person", "body": {"name": "Test Person", "party": "UA"}},
		{"op": "put", "type": "sources", "id": "test-source", "body": {"publisher": "Test", "title": "Test", "title_is_descriptive": true, "language": "en", "kind": "news"}},
		{"op": "patch", "type": "processes", "id": "istanbul-2025", "body": {"mediators": ["TR", "US"]}, "if_match": 1}
	]}`
	preview := d.write(t, "POST", "/v1/changesets?dry_run=true", body, 200)
	made := d.write(t, "POST", "/v1/changesets", body, 201)
	if got := made.response.Header.Get("Location"); got != d.url+"/v1/changesets/2" {
		t.Error("Location", got)
	}
	if shown := d.get(t, "/v1/changesets/2", 200); !bytes.Equal(shown.body, made.body) {
		t.Errorf("made (-) and shown (+):\n%s", cmp.Diff(string(made.body), string(shown.body)))
	}
	type changes struct {
		Changes []struct {
			Op, Collection, Record string
			Difference             []struct {
				Field         string
				Before, After any
			}
		}
	}
	done := decode[changes](t, made.body)
	if diff := cmp.Diff(decode[changes](t, preview.body), done); diff != "" {
		t.Errorf("the dry run (-) and what was done (+):\n%s", diff)
	}
	got := map[string]string{}
	for _, c := range done.Changes {
		for _, f := range c.Difference {
			got[c.Op+" "+c.Collection+"/"+c.Record] += f.Field + " "
		}
	}
	want := map[string]string{
		"create people/test-person":        "name party ",
		"create sources/test-source":       "publisher title title_is_descriptive language kind ",
		"update processes/istanbul-2025":   "mediators ",
		"create rounds/test-round":         "process title starts_on ends_on status format summary delegations sources ",
		"create delegations/test-round-ua": "round party head members sources ",
		"create commitments/test-exchange": "round agreed_on kind summary parties targets sources reports ",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("changes:\n%s", diff)
	}
	round := decode[map[string]any](t, d.get(t, "/v1/rounds/test-round", 200).body)
	if fmt.Sprint(round["parties"]) != "[UA]" || len(round["commitments"].([]any)) != 1 {
		t.Errorf("the round is %v", round)
	}
	d.get(t, "/v1/delegations/test-round-ua", 200)
	d.get(t, "/v1/reports/test-exchange-r1", 200)

	// All again is the same already; a part of it deletes what the rest refers to.
	same := d.write(t, "POST", "/v1/changesets", strings.Replace(body, `"if_match": 1`, `"if_match": "*"`, 1), 428)
	if got := problemOf(t, same); got != "precondition-required /operations/2/id /operations/3/id /operations/1/id /operations/0/id" {
		t.Error(got)
	}
	if a := d.write(t, "POST", "/v1/changesets", body, 412, "If-Match", `"2"`); problemOf(t, a) != "precondition-failed /operations/4/id" {
		t.Error(problemOf(t, a))
	}
	d.write(t, "POST", "/v1/changesets", strings.Replace(body, `, "if_match": 1`, "", 1), 200, "If-Match", `"2"`)
	remove := `{"message": "Not held.", "operations": [{"op": "delete", "type": "rounds", "id": "test-round"}, {"op": "delete", "type": "people", "id": "test-person"}%s]}`
	if a := d.write(t, "POST", "/v1/changesets", fmt.Sprintf(remove, ""), 409, "If-Match", "*"); problemOf(t, a) != "conflict /operations/1/id /operations/0/id" {
		t.Error(problemOf(t, a))
	}
	d.write(t, "POST", "/v1/changesets", fmt.Sprintf(remove, `, {"op": "delete", "type": "commitments", "id": "test-exchange"}`), 201, "If-Match", "*")
	d.get(t, "/v1/rounds/test-round", 410)
	d.get(t, "/v1/rounds/test-round?as_of=2", 200)
	if d.revision(t) != 3 {
		t.Error("revision", d.revision(t))
	}
}

// TestWhatIsWrong: every fault is named by its place, and nothing is changed.
func TestWhatIsWrong(t *testing.T) {
	d := newDesk(t, httpapi.Options{MaxBody: 100_000, MaxOperations: 3})
	many := strings.Repeat(`{"op": "delete", "type": "claims", "id": "a"},`, 4)
	for _, c := range []struct {
		method, target, body string
		status               int
		problem              string
		headers              []string
	}{
		{"PUT", "/v1/claims/a", "", 400, "malformed-body", nil},
		{"PUT", "/v1/claims/a", "[]", 400, "malformed-body", nil},
		{"PUT", "/v1/claims/a", `{"note": 1, "note": 2}`, 400, "malformed-body /note", nil},
		{"PUT", "/v1/claims/a", "{\"note\": \"\xff\"}", 400, "malformed-body /note", nil},
		{"PUT", "/v1/claims/a", `{"note": `, 400, "malformed-body /note", nil},
		{"PUT", "/v1/claims/a", strings.Repeat(`{"a":`, 30_000), 413, "too-large", nil},
		{"PUT", "/v1/claims/a", strings.Repeat(`{"a":`, 15_000), 400, "", nil},
		{"PUT", "/v1/claims/a", newClaim, 415, "unsupported-media-type", []string{"Content-Type", "application/x-www-form-urlencoded"}},
		{"PUT", "/v1/claims/a", newClaim, 415, "unsupported-media-type", []string{"Content-Encoding", "gzip"}},
		{"PUT", "/v1/claims/a?dry-run=true&message=", newClaim, 400, "", nil},
		{"PUT", "/v1/claims/a?dry_run=yes", newClaim, 400, "invalid-parameter dry_run", nil},
		{"PUT", "/v1/claims/a", newClaim, 400, "invalid-parameter If-Match", []string{"If-Match", "42"}},
		{"PUT", "/v1/claims/a", newClaim, 400, "invalid-parameter If-None-Match", []string{"If-None-Match", `"42"`}},
		{"PUT", "/v1/claims/a", newClaim, 400, "invalid-parameter If-None-Match", []string{"If-None-Match", "*", "If-Match", "*"}},
		{"PUT", "/v1/claims/a", newClaim, 400, "invalid-parameter Idempotency-Key", []string{"Idempotency-Key", "a b"}},
		{"DELETE", "/v1/claims/a", "{}", 400, "", nil},
		{"PUT", "/v1/claims/a", "{}", 422, "invalid-record /topic /claimed_by /summary /status /sources", []string{"If-None-Match", "*"}},
		{
			"PUT", "/v1/claims/a", `{"url": 1, "answers": [], "id": "b", "topic": "othr", "claimed_by": "XX", "summary": " x", "status": 5, "made_on": "2025-02-30", "responds_to": "a", "sources": ["nope", "nope"], "nots": ""}`, 422,
			"invalid-record /answers /id /nots /topic /summary /made_on /status /sources/1 /responds_to /claimed_by /sources/0 /sources/1",
			[]string{"If-None-Match", "*"},
		},
		{
			"PATCH", "/v1/rounds/istanbul-2025-3", `{"parties": ["UA"], "lat": 91, "number": 1.5, "starts_on": "2025-07-24", "started_at": "2025-07-23T20:38:00", "delegations": [{"party": "UA", "head": "vladimir-medinsky", "members": [{"person": "nobody"}]}]}`, 422,
			"invalid-record /parties /number /started_at /lat /delegations/0/sources /ends_on /lon /delegations/0/head /delegations/0/members/0/person",
			[]string{"If-Match", "*"},
		},
		{
			"PATCH", "/v1/prisoner-exchanges/exchange-2025-07-23", `{"transfers": [{"from": "RU", "to": "UA", "total": 3, "pows": 1, "civilians": 1}, {"from": "RU", "to": "UA"}, {"from": "UA", "to": "UA"}]}`, 422,
			"invalid-record /transfers/0/total /transfers/1 /transfers/2/to",
			[]string{"If-Match", "*"},
		},
		{"PATCH", "/v1/prisoner-exchanges/exchange-2025-07-23", `{"reports": [{"field": "total", "value": 1, "qualifier": "exactly", "source": "tass-2022-03-02"}, {"field": "transfers.RU-XX.total", "value": "many", "qualifier": "most"}]}`, 422, "", []string{"If-Match", "*"}},
		{"PATCH", "/v1/sources/tass-2022-03-02", `{"url": "https://www.pravda.com.ua/eng/news/2022/03/1/7327146/"}`, 409, "conflict /url", []string{"If-Match", "*"}},
		{"PATCH", "/v1/sources/tass-2022-03-02", `{"url": "javascript:alert(1)"}`, 422, "invalid-record /url", []string{"If-Match", "*"}},
		{"PUT", "/v1/parties/UN", `{"name": "United\u0000Nations", "kind": "organisation", "iso2": "UN"}`, 422, "invalid-record /name /iso2", []string{"If-None-Match", "*"}},
		{"PUT", "/v1/parties/un", `{"name": "United Nations", "kind": "organisation"}`, 422, "invalid-record /id", []string{"If-None-Match", "*"}},
		{"POST", "/v1/changesets", `{}`, 422, "invalid-record /message /operations", nil},
		{"POST", "/v1/changesets", `{"message": "m", "operations": [` + many + `{}]}`, 413, "too-large", nil},
		{"POST", "/v1/changesets", `{"message": "m", "author": "boss", "operations": [{}]}`, 403, "forbidden", nil},
		{"POST", "/v1/changesets", `{"message": "m", "operation": 1, "operations": [{"op": "drop", "type": "claim", "id": "A B", "if_match": -1}, {"op": "put", "type": "delegations", "id": "a", "body": {}, "if_none_match": "no"},
			{"op": "put", "type": "claims", "id": "a", "body": {"sources": 5}}]}`, 422, "", nil},
		{"POST", "/v1/changesets", `{"message": "m", "operations": [{"op": "put", "type": "claims", "id": "a", "body": ` + newClaim + `}, {"op": "delete", "type": "claims", "id": "a"}]}`, 422, "invalid-record /operations/1", nil},
		{"POST", "/v1/changesets", `{"message": "m", "operations": [{"op": "delete", "type": "claims", "id": "none"}]}`, 422, "invalid-record /operations/0/id", nil},
	} {
		a := d.write(t, c.method, c.target, c.body, c.status, c.headers...)
		if got := problemOf(t, a); c.problem != "" && strings.TrimSpace(got) != c.problem {
			t.Errorf("%s %s %.100s: %s\nwant %s\n%s", c.method, c.target, c.body, got, c.problem, a.body)
		}
	}
	if d.revision(t) != 1 {
		t.Error("something was changed")
	}
}

// TestKeys: who may write, and that no key is ever in a log.
func TestKeys(t *testing.T) {
	var log bytes.Buffer
	var mutex sync.Mutex
	d := newDesk(t, httpapi.Options{Log: slog.New(slog.NewTextHandler(writerFunc(func(b []byte) (int, error) {
		mutex.Lock()
		defer mutex.Unlock()
		return log.Write(b)
	}), &slog.HandlerOptions{Level: slog.LevelDebug}))})
	past := time.Now().Add(-time.Minute)
	expired := newKey(t, d.db, store.Key{Name: "old", Scopes: []string{store.ScopeWrite}, ExpiresAt: &past})
	revoked := newKey(t, d.db, store.Key{Name: "lost", Scopes: []string{store.ScopeWrite}})
	if inForce, err := store.RevokeKey(t.Context(), d.db, strings.Split(revoked, "_")[1]); err != nil || !inForce {
		t.Fatal(inForce, err)
	}
	good := d.key
	for _, c := range []struct{ authorization, challenge string }{
		{"", `Bearer realm="parley"`},
		{"Basic " + good, `error="invalid_token"`},
		{"Bearer", `the API key is not known`},
		{"Bearer " + good + "a", `the API key is not known`},
		{"Bearer " + good[:len(good)-1] + "2", `the API key is not known`},
		{"Bearer " + expired, "the API key has expired"},
		{"Bearer " + revoked, "the API key has been revoked"},
	} {
		a := d.write(t, "PUT", "/v1/claims/a", newClaim, 401, "Authorization", c.authorization)
		if got := a.response.Header.Get("WWW-Authenticate"); !strings.Contains(got, c.challenge) {
			t.Errorf("%.20q: challenge %s", c.authorization, got)
		}
	}
	d.write(t, "PUT", "/v1/claims/a", newClaim, 201, "Authorization", "bearer "+good, "If-None-Match", "*")
	d.write(t, "PUT", "/v1/claims/b?key="+good, newClaim, 400)
	d.write(t, "PUT", "/v1/claims/b", `{"note": "`+good+`"}`, 422, "If-None-Match", "*")
	keys, err := store.Keys(t.Context(), d.db)
	used := slices.DeleteFunc(slices.Clone(keys), func(k store.Key) bool { return k.LastUsedAt == nil })
	if err != nil || len(keys) != 3 || len(used) != 1 || used[0].Name != "desk" {
		t.Errorf("keys: %+v %v", keys, err)
	}
	mutex.Lock()
	defer mutex.Unlock()
	for _, key := range []string{good, expired, revoked} {
		if secret := key[strings.LastIndex(key, "_")+1:]; strings.Contains(log.String(), secret) {
			t.Error("a key is in the log")
		}
	}
	if !strings.Contains(log.String(), "/v1/claims/a") {
		t.Error("nothing was logged")
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(b []byte) (int, error) { return f(b) }

// TestRepeats: a request with an Idempotency-Key is carried out once, also when it is repeated at the same time.
func TestRepeats(t *testing.T) {
	d := newDesk(t, httpapi.Options{})
	key := []string{"If-None-Match", "*", "Idempotency-Key", "first"}
	first := d.write(t, "PUT", "/v1/claims/a", newClaim, 201, key...)
	d.write(t, "PATCH", "/v1/claims/a", `{"note": "Later."}`, 200, "If-Match", "*")
	again := d.write(t, "PUT", "/v1/claims/a", newClaim, 201, key...)
	if !bytes.Equal(first.body, again.body) || again.response.Header.Get("Idempotency-Replayed") != "true" || d.revision(t) != 3 {
		t.Errorf("repeated: %v %s", again.response.Header, again.body)
	}
	if a := d.write(t, "PUT", "/v1/claims/b", newClaim, 422, key...); problemOf(t, a) != "idempotency-key-reused Idempotency-Key" {
		t.Error(problemOf(t, a))
	}
	d.write(t, "DELETE", "/v1/claims/a", "", 204, "If-Match", "*", "Idempotency-Key", "second")
	d.write(t, "DELETE", "/v1/claims/a", "", 204, "If-Match", "*", "Idempotency-Key", "second")

	// What was refused is not remembered.
	d.write(t, "PUT", "/v1/claims/c", "{}", 422, "If-None-Match", "*", "Idempotency-Key", "third")
	d.write(t, "PUT", "/v1/claims/c", newClaim, 201, "If-None-Match", "*", "Idempotency-Key", "third")

	other := newKey(t, d.db, store.Key{Name: "other", Scopes: []string{store.ScopeWrite}})
	d.write(t, "PUT", "/v1/claims/d", newClaim, 201, "If-None-Match", "*", "Idempotency-Key", "first", "Authorization", "Bearer "+other)

	before := d.revision(t)
	counts := map[int]int{}
	var mutex sync.Mutex
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			a := d.send(t, "PUT", "/v1/claims/e", http.Header{"Authorization": {"Bearer " + d.key}, "Content-Type": {"application/json"}, "If-None-Match": {"*"}, "Idempotency-Key": {"fifth"}}, newClaim)
			mutex.Lock()
			defer mutex.Unlock()
			counts[a.response.StatusCode]++
		})
	}
	group.Wait()
	if d.revision(t) != before+1 || counts[201] == 0 || counts[201]+counts[409] != 8 {
		t.Errorf("at once: %v, revision %d after %d", counts, d.revision(t), before)
	}
	if _, err := d.db.Exec(t.Context(), "update idempotency_keys set created_at = now() - interval '25 hours'"); err != nil {
		t.Fatal(err)
	}
	d.write(t, "PUT", "/v1/claims/f", newClaim, 201, key...)
}

// TestWritersAtOnce: of two that write one record, one wins and the other is told; on different records both win. A
// reader never sees a revision appear behind one that it has seen.
func TestWritersAtOnce(t *testing.T) {
	d := newDesk(t, httpapi.Options{})
	d.write(t, "PUT", "/v1/claims/same", newClaim, 201, "If-None-Match", "*")
	const writers, each = 4, 10
	won := make([]int, writers)
	done := make(chan struct{})
	var group, readers sync.WaitGroup
	readers.Go(func() {
		seen := map[int64]bool{}
		for last := int64(0); ; {
			rows, err := d.db.Query(t.Context(), "select id from changesets order by id desc")
			if err != nil {
				t.Error(err)
				return
			}
			newest := last
			for rows.Next() {
				var id int64
				if err := rows.Scan(&id); err != nil {
					t.Error(err)
				}
				if id <= last && !seen[id] {
					t.Errorf("revision %d appeared after %d", id, last)
				}
				seen[id], newest = true, max(newest, id)
			}
			last = newest
			select {
			case <-done:
				return
			default:
			}
		}
	})
	for w := range writers {
		group.Go(func() {
			h := func(match string) http.Header {
				return http.Header{"Authorization": {"Bearer " + d.key}, "Content-Type": {"application/json"}, "If-Match": {match}}
			}
			for i := range each {
				own := d.send(t, "PUT", fmt.Sprintf("/v1/claims/own-%d-%d", w, i), http.Header{"Authorization": {"Bearer " + d.key}, "Content-Type": {"application/json"}, "If-None-Match": {"*"}}, newClaim)
				if own.response.StatusCode != 201 {
					t.Errorf("own record: %s %s", own.response.Status, own.body)
				}
				for {
					seen := d.send(t, "GET", "/v1/claims/same", nil)
					number := 0
					if note, ok := decode[map[string]any](t, seen.body)["note"].(string); ok {
						_ = json.Unmarshal([]byte(note), &number)
					}
					a := d.send(t, "PATCH", "/v1/claims/same", h(seen.response.Header.Get("Etag")), fmt.Sprintf(`{"note": "%d"}`, number+1))
					if a.response.StatusCode == 200 {
						won[w]++
						break
					}
					if a.response.StatusCode != 412 {
						t.Errorf("same record: %s %s", a.response.Status, a.body)
						return
					}
				}
			}
		})
	}
	group.Wait()
	close(done)
	readers.Wait()
	last := decode[map[string]any](t, d.get(t, "/v1/claims/same", 200).body)
	if last["note"] != fmt.Sprint(writers*each) || d.revision(t) != 2+2*writers*each {
		t.Errorf("%v increments are counted as %v, revision %d", won, last["note"], d.revision(t))
	}
}
