package main_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/parley-api/parley/internal/postgres"
)

// TestServeAsOthers: the program serves as a user who owns nothing and is a member of the two roles, reads and writes; and as
// an owner who may not take on roles, which it says in one line.
func TestServeAsOthers(t *testing.T) {
	database, err := postgres.StartEmbedded(t.Context(), postgres.EmbeddedOptions{DataDir: dataDir(t)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = database.Stop() })
	owner := "DATABASE_URL=" + database.URL()
	as := func(user, name string) string {
		return strings.Replace(strings.Replace(owner, "parley@", user+"@", 1), "/parley?", "/"+name+"?", 1)
	}
	ok(t, []string{owner}, "migrate", "up")
	key := strings.TrimSpace(ok(t, []string{owner}, "keys", "create", "--name", "desk"))
	conn, err := pgx.Connect(t.Context(), database.URL())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	for _, sql := range []string{"create user serving", "grant parley_reader, parley_writer to serving", "create user plain", "create database plain owner plain"} {
		if _, err := conn.Exec(t.Context(), sql); err != nil {
			t.Fatal(sql, err)
		}
	}
	put := func(r *running, key string) {
		t.Helper()
		body := `{"publisher": "Test", "title": "Test", "title_is_descriptive": true, "url": "https://example.org/", "language": "en", "kind": "wire"}`
		request, err := http.NewRequest(http.MethodPut, r.url+"/v1/sources/test", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		request.Header = http.Header{"Content-Type": {"application/json"}, "Authorization": {"Bearer " + key}, "If-None-Match": {"*"}}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != http.StatusCreated {
			t.Errorf("a write: %s", response.Status)
		}
		if code := status(t, r.url+"/v1/sources/test?as_of=2"); code != http.StatusOK {
			t.Errorf("what was written: %d", code)
		}
	}
	r := serve(t, as("serving", "parley"), "PARLEY_NO_MIGRATE=true")
	put(r, key)
	if log := r.log.String(); strings.Contains(log, "level=WARN") {
		t.Errorf("it says %s", log)
	}
	r.stop(t)

	r = serve(t, as("plain", "plain"))
	put(r, strings.TrimSpace(ok(t, []string{as("plain", "plain")}, "keys", "create", "--name", "desk")))
	if log := r.log.String(); strings.Count(log, "level=WARN") != 1 || !strings.Contains(log, "roles cannot be taken on") {
		t.Errorf("it says %s", log)
	}
	if found := ok(t, []string{as("plain", "plain")}, "doctor"); !strings.Contains(found, "warn  roles") || !strings.Contains(found, `to "plain"`) {
		t.Errorf("doctor says %s", found)
	}
	r.stop(t)
}
