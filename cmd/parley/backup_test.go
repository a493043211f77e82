package main_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestBackup saves a server that is written to, and restores it: what is there then is what was there at that moment, byte
// by byte. A file that is spoiled, and a database that is not empty, are refused.
func TestBackup(t *testing.T) {
	folder := dataDir(t)
	a := serve(t, "PARLEY_DATA_DIR="+folder)
	here := []string{"PARLEY_DATA_DIR=" + folder}
	key := strings.TrimSpace(ok(t, here, "keys", "create", "--name", "desk"))

	var writes atomic.Int64
	var writer sync.WaitGroup
	stop := make(chan struct{})
	writer.Go(func() {
		for n := 0; ; n++ {
			select {
			case <-stop:
				return
			default:
			}
			body := fmt.Sprintf(`{"publisher": "Test", "title": "Quelle %d – „ж“", "title_is_descriptive": true, "url": "https://example.org/%[1]d", "language": "en", "kind": "wire"}`, n)
			request, err := http.NewRequest(http.MethodPut, fmt.Sprintf("%s/v1/sources/test-%d", a.url, n), strings.NewReader(body))
			if err != nil {
				t.Error(err)
				return
			}
			request.Header = http.Header{"Content-Type": {"application/json"}, "Authorization": {"Bearer " + key}, "If-None-Match": {"*"}}
			response, err := http.DefaultClient.Do(request)
			if err != nil || response.StatusCode != http.StatusCreated {
				t.Errorf("write %d: %v %v", n, response, err)
				return
			}
			response.Body.Close()
			writes.Add(1)
		}
	})
	for writes.Load() < 3 && !t.Failed() {
		status(t, a.url+"/healthz")
	}
	file := filepath.Join(t.TempDir(), "parley.backup")
	said := ok(t, here, "backup", file)
	for before := writes.Load(); writes.Load() < before+3 && !t.Failed(); {
		status(t, a.url+"/healthz")
	}
	close(stop)
	writer.Wait()
	found := regexp.MustCompile(`revision (\d+) of`).FindStringSubmatch(said)
	if found == nil || found[1] == "1" || found[1] == fmt.Sprint(writes.Load()+1) {
		t.Fatalf("the backup was not made in the midst of writes: %s", said)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v may be read by others, or %v", info, err)
	}

	there := []string{"PARLEY_DATA_DIR=" + dataDir(t)}
	if checked := ok(t, there, "restore", "--check", file); !strings.Contains(checked, "is whole: revision "+found[1]) {
		t.Errorf("it says %s", checked)
	}
	whole, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	spoil := map[string][]byte{
		"a bit":        append(append(append([]byte{}, whole[:len(whole)/2]...), whole[len(whole)/2]^1), whole[len(whole)/2+1:]...),
		"its end":      whole[:len(whole)*3/4],
		"its head":     whole[:100],
		"all":          []byte("not a backup"),
		"its manifest": []byte(strings.Replace(string(whole), `"sha256": "`, `"sha256": "0`, 1)),
	}
	for name, content := range spoil {
		wantFailure(t, there, []string{"restore", writeFile(t, t.TempDir(), "spoiled", string(content))}, "spoiled")
		if t.Failed() {
			t.Fatal(name)
		}
	}
	if restored := ok(t, there, "restore", file); !strings.Contains(restored, "compared: revision "+found[1]) {
		t.Errorf("it says %s", restored)
	}
	wantFailure(t, there, []string{"restore", file}, "not empty", "PARLEY_DATA_DIR")

	saved, restored := t.TempDir(), t.TempDir()
	ok(t, here, "export", saved, "--as-of", found[1])
	ok(t, there, "export", restored)
	if diff := cmp.Diff(files(t, saved), files(t, restored)); diff != "" || len(files(t, saved)) != 12 {
		t.Errorf("what was saved (-) and restored (+): %s", diff)
	}
	b := serve(t, there...)
	for _, target := range []string{"/v1/rounds", "/v1/changes?limit=1000", "/v1/prisoner-exchanges/totals?by=month", "/v1/sources?publisher=Test"} {
		if diff := cmp.Diff(body(t, a.url+target, found[1]), body(t, b.url+target, found[1])); diff != "" {
			t.Errorf("%s there (-) and restored (+): %s", target, diff)
		}
	}
	request, _ := http.NewRequest(http.MethodDelete, b.url+"/v1/sources/test-0", nil)
	request.Header = http.Header{"Authorization": {"Bearer " + key}, "If-Match": {"*"}}
	response, err := http.DefaultClient.Do(request)
	if err != nil || response.StatusCode != http.StatusNoContent {
		t.Fatalf("what was restored cannot be written to: %v %v", response, err)
	}
	response.Body.Close()
}

// body is what a server answers as of a revision, its own address left out.
func body(t *testing.T, target, revision string) any {
	t.Helper()
	separator := "?"
	if strings.Contains(target, "?") {
		separator = "&"
	}
	response, err := http.Get(target + separator + "as_of=" + revision)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var value struct{ Data any }
	if err := json.NewDecoder(response.Body).Decode(&value); err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s %v", target, response.Status, err)
	}
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return regexp.MustCompile(`http://127\.0\.0\.1:\d+`).ReplaceAllString(string(text), "http://host")
}

// TestDoctor: a healthy server is found healthy, and each fault is named with what to do.
func TestDoctor(t *testing.T) {
	folder := dataDir(t)
	r := serve(t, "PARLEY_DATA_DIR="+folder)
	here := "PARLEY_DATA_DIR=" + folder
	type finding struct{ Level, About, Says, Do string }
	ask := func(environment ...string) (all []finding, err error) {
		out, err := command(append(environment, here), "doctor", "--json").Output()
		if e := json.Unmarshal(out, &all); e != nil {
			t.Fatalf("%v: %v: %s", environment, e, out)
		}
		return all, err
	}
	all, err := ask()
	for _, f := range all {
		if f.Level != "ok" && f.About != "disk" && f.About != "temporary" { // which are this machine's
			t.Errorf("of a healthy server it says %+v", f)
		}
	}
	if err != nil || len(all) < 8 {
		t.Errorf("%v, and only %+v", err, all)
	}
	if text := ok(t, []string{here}, "doctor"); !strings.Contains(text, "ok    schema ") {
		t.Errorf("it says %s", text)
	}
	faults := []struct {
		environment        []string
		level, about, says string
	}{
		{[]string{"PARLEY_MAX_CONNS=1000"}, "fail", "connections", "1000 are wanted"},
		{[]string{"PARLEY_MAX_CONNS=1", "PARLEY_CACHE=-1"}, "fail", "settings", "PARLEY_CACHE is -1"},
		{[]string{"TMPDIR=/nonexistent"}, "fail", "temporary", "/nonexistent"},
		{[]string{"DATABASE_URL=postgres://user:secret@127.0.0.1:1/db"}, "fail", "database", "does not answer"},
	}
	for _, tt := range faults {
		all, err := ask(tt.environment...)
		found := false
		for _, f := range all {
			found = found || f.Level == tt.level && f.About == tt.about && strings.Contains(f.Says, tt.says) && f.Do != ""
			if strings.Contains(f.Says, "secret") {
				t.Errorf("it shows a password: %+v", f)
			}
		}
		if err == nil || !found {
			t.Errorf("%v: %v, %+v", tt.environment, err, all)
		}
	}
	r.stop(t)
}
