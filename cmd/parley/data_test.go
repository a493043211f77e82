package main_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// ok runs the program and returns what it prints.
func ok(t *testing.T, environment []string, args ...string) string {
	t.Helper()
	cmd := command(environment, args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %v\n%s%s", args, err, out, stderr.String())
	}
	return string(out)
}

// files reads the files of a folder.
func files(t *testing.T, folder string) map[string]string {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, e := range entries {
		text, err := os.ReadFile(filepath.Join(folder, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		all[e.Name()] = string(text)
	}
	return all
}

func writeFile(t *testing.T, folder, name, text string) string {
	t.Helper()
	path := filepath.Join(folder, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestDataInFiles: what is imported into one data set is exported, and imported into another, byte by byte the same; over
// HTTP with a key as over the database.
func TestDataInFiles(t *testing.T) {
	first, second := dataDir(t), dataDir(t)
	a := serve(t, "PARLEY_DATA_DIR="+first)
	serve(t, "PARLEY_DATA_DIR="+second)
	key := strings.TrimSpace(ok(t, []string{"PARLEY_DATA_DIR=" + first}, "keys", "create", "--name", "desk"))
	remote, local := []string{"PARLEY_URL=" + a.url, "PARLEY_KEY=" + key}, []string{"PARLEY_DATA_DIR=" + second}

	seed, work := t.TempDir(), t.TempDir()
	ok(t, remote, "export", seed)
	if got := ok(t, remote, "import", seed, "--prune"); got != "Nothing changes: everything is there already.\n" {
		t.Error(got)
	}
	writeFile(t, work, "sources.csv", "id,publisher,title,title_is_descriptive,url,language,kind\r\ntest-source,Test,'=A title,true,https://example.org/a,en,news\r\n")
	writeFile(t, work, "prisoner_exchanges.yaml", `
- id: exchange-test
  date: 2026-11-20
  place: {name: Test, country: UA, precision: region}
  transfers: [{from: RU, to: UA, total: 5}, {from: UA, to: RU, total: null}]
  summary: 'A test: five.'
  reports:
  - {field: transfers.RU-UA.total, value: 5, qualifier: exactly, said_by: rustem-umerov, party: UA, source: test-source}
  sources: [test-source]
`)
	for _, args := range [][]string{{"--dry-run"}, {"-m", "An exchange."}} {
		got := ok(t, remote, append([]string{"import", work}, args...)...)
		for _, want := range []string{"+ prisoner-exchanges/exchange-test\n    date: 2026-11-20\n", "+ sources/test-source\n", "    title: =A title\n", "2 new, 0 changed, 0 deleted.\n"} {
			if !strings.Contains(got, want) || strings.Contains(got, "\x1b") {
				t.Errorf("%v shows %s\nnot %s", args, got, want)
			}
		}
		if recorded := strings.Contains(got, "Recorded as revision 2."); recorded != (args[0] == "-m") {
			t.Errorf("%v: %s", args, got)
		}
	}
	if got := ok(t, remote, "import", work); got != "Nothing changes: everything is there already.\n" {
		t.Error(got)
	}
	people := writeFile(t, work, "people.ndjson", `{"id": "rustem-umerov", "name": "Rustem Umerov", "party": "UA", "aliases": ["A", "B"]}`+"\n")
	if got := ok(t, remote, "import", people); !strings.Contains(got, "~ people/rustem-umerov\n") || !strings.Contains(got, "      + A\n      + B\n") {
		t.Error(got)
	}

	for _, format := range []string{"yaml", "ndjson", "csv"} {
		there, back := t.TempDir(), t.TempDir()
		ok(t, remote, "export", there, "--format", format)
		ok(t, local, "import", there, "--prune")
		ok(t, local, "export", back, "--format", format)
		if diff := cmp.Diff(files(t, there), files(t, back)); diff != "" || len(files(t, there)) != 12 {
			t.Errorf("%s: exported there (-) and here (+):\n%s", format, diff)
		}
	}
	// What was not there before is deleted by an import of what was, and comes back by one of what is.
	ok(t, local, "import", seed, "--prune")
	before := t.TempDir()
	ok(t, local, "export", before)
	if diff := cmp.Diff(files(t, seed), files(t, before)); diff != "" {
		t.Errorf("the seed (-) and here (+):\n%s", diff)
	}
	ok(t, local, "import", work, "--restore")
	past := t.TempDir()
	ok(t, local, "export", past, "--as-of", "1")
	if diff := cmp.Diff(files(t, seed), files(t, past)); diff != "" {
		t.Errorf("the seed (-) and as of revision 1 (+):\n%s", diff)
	}
}

// TestFaultsInFiles: every fault is told with its file and line, and nothing is written.
func TestFaultsInFiles(t *testing.T) {
	folder, work := dataDir(t), t.TempDir()
	r := serve(t, "PARLEY_DATA_DIR="+folder)
	environment := []string{"PARLEY_DATA_DIR=" + folder}
	claims := writeFile(t, work, "claims.yaml", `
- id: good
  topic: other
  claimed_by: UA
  summary: Good.
  status: disputed
  sources: [tass-2022-03-02]
- id: bad
  topic: othr
  claimed_by: UA
  summary: Bad.
  quantity: {value: -1, qualifier: about,
    unit: people}
  made_on: 2025-02-30
  status: disputed
  sources: [tass-2022-03-03]
`)
	rounds := writeFile(t, work, "rounds.yaml", "- id: x\n  place: {country: turkey, precision: city}\n  titel: y\n")
	cmd := command(environment, "import", work)
	out, err := cmd.CombinedOutput()
	if err == nil {
		t.Error("it succeeded")
	}
	for _, want := range []string{
		claims + `:9: claims/bad: topic: is "othr", which is not one of the values; did you mean other?`,
		claims + ":12: claims/bad: quantity.value: is -1, not an integer from 0 to 2147483647",
		claims + `:14: claims/bad: made_on: is "2025-02-30", not a day such as 2025-07-23`,
		claims + ":16: claims/bad: sources.0: there is no record sources/tass-2022-03-03; did you mean tass-2022-03-02?",
		rounds + `:2: rounds/x: country: is "turkey", not an ISO 3166-1 alpha-2 code such as TR`,
		rounds + ":3: rounds/x: titel: there is no such field; did you mean title?",
		rounds + ":1: rounds/x: title: is required",
	} {
		if !strings.Contains(string(out), "parley: "+want+"\n") {
			t.Errorf("not told: %s", want)
		}
	}
	if code := status(t, r.url+"/v1/claims/good"); code != 404 {
		t.Error("the good one was written:", code)
	}
	if t.Failed() {
		t.Logf("%s", out)
	}
	wantFailure(t, environment, []string{"import", filepath.Join(work, "none.yaml")}, "none.yaml: cannot be read: no such file")
	wantFailure(t, []string{"PARLEY_URL=" + r.url, "PARLEY_KEY=nonsense"}, []string{"import", writeFile(t, work, "parties.yaml", "[{id: UN, name: UN, kind: organisation}]")}, "key is not known")
	wantFailure(t, []string{"PARLEY_URL=http://127.0.0.1:1"}, []string{"export", work}, "does not answer")
	wantFailure(t, environment, []string{"export", work, "--as-of", "99"}, "future")
	wantFailure(t, environment, []string{"keys", "revoke", "aaaaaaaa"}, "there is no key")
	wantFailure(t, environment, []string{"keys", "create", "--name", "x", "--expires", "2020-01-01"}, "--expires")
}

// TestKeysCommand: a key that is made is good until it is revoked, and is shown once.
func TestKeysCommand(t *testing.T) {
	folder := dataDir(t)
	r := serve(t, "PARLEY_DATA_DIR="+folder)
	environment := []string{"PARLEY_DATA_DIR=" + folder}
	key := strings.TrimSpace(ok(t, environment, "keys", "create", "--name", "desk", "--expires", "90d"))
	id := strings.Split(key, "_")[1]
	try := func() int {
		request, err := http.NewRequest(http.MethodPatch, r.url+"/v1/rounds/istanbul-2025-3?dry_run=true", strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		request.Header = http.Header{"Authorization": {"Bearer " + key}, "Content-Type": {"application/json"}}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		return response.StatusCode
	}
	if code := try(); code != 200 {
		t.Error("a good key:", code)
	}
	list := ok(t, environment, "keys", "list")
	if !strings.Contains(list, id) || !strings.Contains(list, "in force") || strings.Contains(list, key) {
		t.Error(list)
	}
	for _, want := range []string{"revoked: " + id, "revoked already: " + id} {
		if got := strings.TrimSpace(ok(t, environment, "keys", "revoke", id)); got != want {
			t.Error(got)
		}
	}
	if code := try(); code != 401 {
		t.Error("a revoked key:", code)
	}
}

// TestKilledWhileWriting: both the program and PostgreSQL are killed in the middle of a stream of changesets. Every one
// that was acknowledged is there, none is there in part, and the revisions have no gap.
func TestKilledWhileWriting(t *testing.T) {
	folder := dataDir(t)
	environment := []string{"PARLEY_DATA_DIR=" + folder}
	r := serve(t, environment...)
	key := strings.TrimSpace(ok(t, environment, "keys", "create", "--name", "desk"))
	acknowledged := map[int64]string{} // by revision: the claims that it made
	for kill := range 3 {
		var mutex sync.Mutex
		var writers sync.WaitGroup
		for w := range 4 {
			writers.Go(func() {
				for i := 0; ; i++ {
					name := fmt.Sprintf("crash-%d-%d-%d", kill, w, i)
					revision, err := recordThree(r.url, key, name)
					if err != nil {
						return // it was killed
					}
					mutex.Lock()
					acknowledged[revision] = name
					mutex.Unlock()
				}
			})
		}
		time.Sleep(time.Duration(300+200*kill) * time.Millisecond)
		postmaster := postmasterPID(t, folder)
		if err := r.cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = syscall.Kill(postmaster, syscall.SIGKILL)
		writers.Wait()
		_ = r.cmd.Wait()
		r = serve(t, environment...)
		checkRevisions(t, r.url, acknowledged)
	}
	if len(acknowledged) < 10 {
		t.Errorf("only %d changesets were acknowledged", len(acknowledged))
	}
	t.Logf("%d changesets were acknowledged", len(acknowledged))
	r.stop(t)
}

// recordThree records a changeset of three claims, one of which answers another.
func recordThree(url, key, name string) (int64, error) {
	const claim = `{"op": "put", "type": "claims", "id": "%s-%d", "body": {"topic": "other", "claimed_by": "UA", "summary": "A test.", "status": "disputed", "responds_to": %s, "sources": ["tass-2022-03-02"]}}`
	body := fmt.Sprintf(`{"message": "%s", "operations": [`+claim+","+claim+","+claim+"]}", name, name, 1, `"`+name+`-3"`, name, 2, "null", name, 3, "null")
	request, err := http.NewRequest(http.MethodPost, url+"/v1/changesets", strings.NewReader(body))
	if err != nil {
		return 0, err
	}
	request.Header = http.Header{"Authorization": {"Bearer " + key}, "Content-Type": {"application/json"}}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	var made struct{ ID int64 }
	if response.StatusCode != http.StatusCreated {
		return 0, fmt.Errorf("answered %s", response.Status)
	}
	return made.ID, json.NewDecoder(response.Body).Decode(&made)
}

func checkRevisions(t *testing.T, url string, acknowledged map[int64]string) {
	t.Helper()
	made := map[int64]string{}
	for next := url + "/v1/changesets?sort=id&limit=1000"; next != ""; {
		var page struct {
			Data []struct {
				ID      int64
				Message string
			}
			Next string
		}
		getJSON(t, next, &page)
		for _, c := range page.Data {
			made[c.ID] = c.Message
			if len(made) != int(c.ID) {
				t.Errorf("revision %d is the %d.", c.ID, len(made))
			}
			if c.ID == 1 {
				continue
			}
			var whole struct{ Changes []struct{ Op, Record string } }
			getJSON(t, fmt.Sprintf("%s/v1/changesets/%d", url, c.ID), &whole)
			if got := fmt.Sprint(whole.Changes); len(whole.Changes) != 3 || strings.Count(got, "{create "+c.Message+"-") != 3 {
				t.Errorf("changeset %d (%s) is there in part: %s", c.ID, c.Message, got)
			}
		}
		next = page.Next
	}
	for revision, name := range acknowledged {
		if made[revision] != name {
			t.Errorf("changeset %d (%s) was acknowledged, and is %q", revision, name, made[revision])
		}
	}
}

func getJSON(t *testing.T, url string, value any) {
	t.Helper()
	response, err := http.Get(url) //nolint:gosec // our own
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if err := json.NewDecoder(response.Body).Decode(value); err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s %v", url, response.Status, err)
	}
}

// TestKeepItCurrent: the worked example of the README shows what happens.
func TestKeepItCurrent(t *testing.T) {
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	readme := string(text)[strings.Index(string(text), "## Keep it current"):]
	block := func(opening string) string {
		_, rest, found := strings.Cut(readme, opening)
		content, _, closed := strings.Cut(rest, "\n```")
		if !found || !closed {
			t.Fatalf("the README has no %q", opening)
		}
		return content
	}
	folder := dataDir(t)
	r := serve(t, "PARLEY_DATA_DIR="+folder)
	environment := []string{"PARLEY_DATA_DIR=" + folder}
	file := writeFile(t, t.TempDir(), "exchange.yaml", block("```yaml\n"))
	if diff := cmp.Diff(block("$ bin/parley import exchange.yaml --dry-run\n"), strings.TrimSuffix(ok(t, environment, "import", file, "--dry-run"), "\n")); diff != "" {
		t.Errorf("the import in the README (-) and here (+):\n%s", diff)
	}
	key := strings.TrimSpace(ok(t, environment, "keys", "create", "--name", "desk"))
	if got := ok(t, []string{"PARLEY_URL=" + r.url, "PARLEY_KEY=" + key}, "import", file, "-m", "Exchange of 24 November"); !strings.HasSuffix(got, "Recorded as revision 2.\n") {
		t.Error(got)
	}
	parts := regexp.MustCompile(`(?m)^\$ curl -s -X PATCH 'http://127.0.0.1:8080(\S+)' .* -d '(.*)'\n(.*)$`).FindStringSubmatch(readme)
	request, err := http.NewRequest(http.MethodPatch, r.url+parts[1], strings.NewReader(parts[2]))
	if err != nil {
		t.Fatal(err)
	}
	request.Header = http.Header{"Authorization": {"Bearer " + key}, "Content-Type": {"application/json"}}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	got := strings.NewReplacer(r.url, "http://127.0.0.1:8080", `"revision":2`, `"revision":1`).Replace(strings.TrimSpace(string(answer)))
	if diff := cmp.Diff(parts[3], got); diff != "" {
		t.Errorf("the answer in the README (-) and here (+):\n%s", diff)
	}
}
