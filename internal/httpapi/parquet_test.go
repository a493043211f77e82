package httpapi_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/parquet-go/parquet-go"

	"github.com/parley-api/parley/internal/httpapi"
	"github.com/parley-api/parley/internal/store"
)

// readParquet reads a file as CSV writes one: its header and its rows, with times as they are in UTC.
func readParquet(t *testing.T, body []byte) (*parquet.File, [][]string) {
	t.Helper()
	file, err := parquet.OpenFile(bytes.NewReader(body), int64(len(body)))
	if err != nil {
		t.Fatal(err)
	}
	var header []string
	var types []string
	for _, f := range file.Schema().Fields() {
		if !f.Optional() {
			t.Errorf("%s may not be null", f.Name())
		}
		header, types = append(header, f.Name()), append(types, f.Type().String())
	}
	lines := [][]string{header}
	for _, group := range file.RowGroups() {
		rows := group.Rows()
		buffer := make([]parquet.Row, 10)
		for {
			n, err := rows.ReadRows(buffer)
			for _, row := range buffer[:n] {
				line := make([]string, len(header))
				row.Range(func(i int, values []parquet.Value) bool {
					line[i] = cell(types[i], values)
					return true
				})
				lines = append(lines, line)
			}
			if err != nil {
				break
			}
		}
		_ = rows.Close()
	}
	inUTC(lines) // the texts that are times
	return file, lines
}

// cell is the values of a column in a row as a cell of CSV.
func cell(typ string, values []parquet.Value) string {
	var texts []string
	for _, v := range values {
		switch {
		case v.IsNull():
		case typ == "DATE":
			texts = append(texts, time.Unix(int64(v.Int32())*86400, 0).UTC().Format(time.DateOnly))
		case strings.HasPrefix(typ, "TIMESTAMP(isAdjustedToUTC=true,unit=MICROS)"):
			texts = append(texts, time.UnixMicro(v.Int64()).UTC().Format(time.RFC3339Nano))
		case v.Kind() == parquet.Double:
			texts = append(texts, strconv.FormatFloat(v.Double(), 'f', -1, 64))
		default:
			texts = append(texts, v.String())
		}
	}
	return strings.Join(texts, ";")
}

// readCSV reads the same from CSV: without the apostrophes that are there for spreadsheets, and with times in UTC.
func readCSV(t *testing.T, body []byte) [][]string {
	t.Helper()
	lines, err := csv.NewReader(bytes.NewReader(body)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range lines {
		for i, text := range line {
			if rest, ok := strings.CutPrefix(text, "'"); ok && strings.IndexAny(rest, "=+-@\t\r") == 0 {
				line[i] = rest
			}
		}
	}
	inUTC(lines)
	return lines
}

func inUTC(lines [][]string) {
	for _, line := range lines {
		for i, text := range line {
			if at, err := time.Parse(time.RFC3339, text); err == nil {
				line[i] = at.UTC().Format(time.RFC3339Nano)
			}
		}
	}
}

// TestParquetIsCSV reads every table of every collection back, and each kind of totals, and compares every value with CSV.
func TestParquetIsCSV(t *testing.T) {
	s := open(t, httpapi.Options{PublicURL: "http://parley.test"})
	targets := []string{
		"/v1/search?q=exchange", "/v1/rounds?fields=id,delegations,hosts", "/v1/commitments?reported_by=UA", "/v1/prisoner-exchanges?limit=7&sort=date",
		"/v1/parties/UA/history?", "/v1/reports?field=none", "/v1/rounds?as_of=0",
	}
	for _, table := range store.Tables {
		targets = append(targets, "/v1/"+table.Name)
	}
	for _, by := range store.TotalsBy {
		targets = append(targets, "/v1/prisoner-exchanges/totals?by="+by, "/v1/body-repatriations/totals?by="+by)
	}
	for _, target := range targets {
		t.Run(target, func(t *testing.T) {
			path, query, _ := strings.Cut(target, "?")
			a := s.get(t, path+".parquet?"+query, http.StatusOK)
			_, got := readParquet(t, a.body)
			want := readCSV(t, s.get(t, path+".csv?"+query, http.StatusOK).body)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("CSV (-) and Parquet (+):\n%s", diff)
			}
			next := strings.Replace(strings.Join(s.get(t, path+".csv?"+query, http.StatusOK).response.Header["Link"], ","), ".csv", ".parquet", 2)
			if got := strings.Join(a.response.Header["Link"], ","); got != next {
				t.Errorf("Link is %s and of CSV %s", got, next)
			}
		})
	}
}

// TestParquetSchema: the names, the order and the types of the columns, and what the file says of itself.
func TestParquetSchema(t *testing.T) {
	s := open(t, httpapi.Options{PublicURL: "http://parley.test"})
	file, _ := readParquet(t, s.get(t, "/v1/prisoner-exchanges.parquet?fields=id,url,date,lat,from,total,mediators,commitment,revision,recorded_at&reported_by=UA", http.StatusOK).body)
	want := `message prisoner-exchanges {
	optional binary id (STRING);
	optional binary url (STRING);
	optional int32 date (DATE);
	optional double lat;
	optional binary from (STRING);
	optional int64 total (INT(64,true));
	optional group mediators (LIST) {
		repeated group list {
			required binary element (STRING);
		}
	}
	optional binary commitment (STRING);
	optional int64 revision (INT(64,true));
	optional int64 recorded_at (TIMESTAMP(isAdjustedToUTC=true,unit=MICROS));
}`
	if diff := cmp.Diff(want, file.Schema().String()); diff != "" {
		t.Error(diff)
	}
	said := map[string]string{}
	for _, entry := range file.Metadata().KeyValueMetadata {
		said[entry.Key] = entry.Value
	}
	if diff := cmp.Diff(map[string]string{
		"parley.collection":  "prisoner-exchanges",
		"parley.permalink":   "http://parley.test/v1/prisoner-exchanges.parquet?as_of=1&fields=id%2Curl%2Cdate%2Clat%2Cfrom%2Ctotal%2Cmediators%2Ccommitment%2Crevision%2Crecorded_at&reported_by=UA",
		"parley.revision":    "1",
		"parley.as_of":       "2026-11-23T00:00:00Z",
		"parley.reported_by": "UA",
		"parley.licence":     httpapi.Licence,
		"parley.attribution": httpapi.Attribution,
		"parley.coverage":    said["parley.coverage"], // compared below
	}, said); diff != "" {
		t.Error(diff)
	}
}

// TestParquetMeta: a file says of itself what JSON says in meta.
func TestParquetMeta(t *testing.T) {
	s := open(t, httpapi.Options{})
	for _, target := range []string{
		"/v1/prisoner-exchanges%s?bbox=22,44.3,40.3,52.4&date=2025&total_count=true", "/v1/rounds%s?bbox=22,44.3,40.3,52.4&limit=1", "/v1/commitments%s?due_on=2026", "/v1/prisoner-exchanges/totals%s?by=month&bbox=22,44.3,40.3,52.4",
		"/v1/search%s?q=Umerof",
	} {
		want := decode[struct{ Meta map[string]any }](t, s.get(t, fmt.Sprintf(target, ""), http.StatusOK).body).Meta
		file, _ := readParquet(t, s.get(t, fmt.Sprintf(target, ".parquet"), http.StatusOK).body)
		got := map[string]any{}
		for _, entry := range file.Metadata().KeyValueMetadata {
			name := strings.TrimPrefix(entry.Key, "parley.")
			var value any = entry.Value
			if name != "did_you_mean" && name != "by" {
				_ = json.Unmarshal([]byte(entry.Value), &value) // numbers and objects; texts stay as they are
			}
			got[name] = value
		}
		for _, other := range []string{"permalink", "collection", "time_zone"} { // of another form, and of a file or of JSON alone
			delete(want, other)
			delete(got, other)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: meta of JSON (-) and of Parquet (+):\n%s", target, diff)
		}
	}
}

// TestFileIsTheSame: one question at one revision is the same bytes, also from another server.
func TestFileIsTheSame(t *testing.T) {
	var bodies [][]byte
	var tags []string
	for range 3 {
		s := open(t, httpapi.Options{PublicURL: "http://parley.test"})
		a := s.get(t, "/v1/events.parquet", http.StatusOK)
		bodies, tags = append(bodies, a.body), append(tags, a.response.Header.Get("Etag"))
	}
	if !bytes.Equal(bodies[0], bodies[1]) || !bytes.Equal(bodies[0], bodies[2]) || tags[0] != tags[1] || tags[0] != tags[2] || strings.HasPrefix(tags[0], "W/") {
		t.Errorf("%d, %d and %d bytes differ, validators are %s", len(bodies[0]), len(bodies[1]), len(bodies[2]), tags)
	}
}

// TestFileInParts: ranges, conditions and HEAD, of a short file and of one that is on disk, with and without a cache.
func TestFileInParts(t *testing.T) {
	for _, cache := range []int64{0, 1 << 20} {
		for _, target := range []string{"/v1/prisoner-exchanges.parquet", "/v1/changes.parquet", "/v1/prisoner-exchanges/totals.parquet?by=month", "/v1/rounds.parquet?limit=2"} {
			t.Run(fmt.Sprint(target, cache), func(t *testing.T) {
				s := open(t, httpapi.Options{Cache: cache})
				head := s.send(t, http.MethodHead, target, nil)
				tag := head.response.Header.Get("Etag")
				whole := s.do(t, http.MethodGet, target, http.Header{"Accept-Encoding": {"gzip, zstd"}}, http.StatusOK)
				n := len(whole.body)
				if head.response.ContentLength != int64(n) || whole.response.ContentLength != int64(n) || len(head.body) > 0 || whole.response.Header.Get("Content-Encoding") != "" {
					t.Fatalf("%d bytes, HEAD says %v, GET %v", n, head.response.Header, whole.response.Header)
				}
				get := func(status int, header ...string) answer {
					t.Helper()
					h := http.Header{"Accept-Encoding": {"gzip"}}
					for i := 0; i < len(header); i += 2 {
						h.Set(header[i], header[i+1])
					}
					return s.do(t, http.MethodGet, target, h, status)
				}
				for _, c := range []struct {
					ask      string
					from, to int
				}{{"bytes=0-3", 0, 4}, {"bytes=-8", n - 8, n}, {"bytes=4-", 4, n}, {"bytes=10-10", 10, 11}, {"bytes=0-99999999", 0, n}, {"bytes=-99999999", 0, n}} {
					a := get(http.StatusPartialContent, "Range", c.ask, "If-Range", tag)
					if want := fmt.Sprintf("bytes %d-%d/%d", c.from, c.to-1, n); a.response.Header.Get("Content-Range") != want || !bytes.Equal(a.body, whole.body[c.from:c.to]) {
						t.Errorf("%s: %v, %d bytes, want %s", c.ask, a.response.Header, len(a.body), want)
					}
				}
				for _, header := range [][]string{
					{"Range", "lines=1-2"},
					{"Range", "items=0-1", "If-Range", tag},
					{"Range", "bytes"},
					{"Range", "bytes=0-3", "If-Range", `"1-0"`},
					{"Range", "bytes=0-3", "If-Range", "W/" + tag},
					{"Range", "bytes=0-3", "If-Range", "Mon, 23 Nov 2026 00:00:00 GMT"},
					{"Range", "bytes=" + strings.Repeat("0-,", 1000) + "0-"},
					{"If-Match", tag},
					{"If-Match", "*"},
					{"If-None-Match", `"1-0"`},
				} {
					if a := get(http.StatusOK, header...); !bytes.Equal(a.body, whole.body) {
						t.Errorf("%.100q: %d bytes", header, len(a.body))
					}
				}
				if a := get(http.StatusPartialContent, "Range", "bytes=0-3,-8"); !strings.HasPrefix(a.response.Header.Get("Content-Type"), "multipart/byteranges") {
					t.Errorf("two ranges: %v", a.response.Header)
				}
				for _, ask := range []string{fmt.Sprintf("bytes=%d-", n), "bytes=5-4", "bytes=x-", "bytes=0-3,99999999999999999999-", "bytes=--1"} {
					if a := get(http.StatusRequestedRangeNotSatisfiable, "Range", ask); !strings.Contains(string(a.body), "range-not-satisfiable") || a.response.Header.Get("Etag") != "" || a.response.Header.Get("Content-Range") != fmt.Sprintf("bytes */%d", n) {
						t.Errorf("%s: %v %s", ask, a.response.Header, a.body)
					}
				}
				get(http.StatusNotModified, "If-None-Match", tag, "Range", "bytes=0-3")
				if a := get(http.StatusPreconditionFailed, "If-Match", `"1-0"`); !strings.Contains(string(a.body), "precondition-failed") {
					t.Errorf("If-Match of another answer: %s", a.body)
				}
				for _, ask := range []string{"bytes=0-3", fmt.Sprintf("bytes=%d-", n), "items=0-1"} { // a range is of GET alone
					if a := s.send(t, http.MethodHead, target, http.Header{"Range": {ask}}); a.response.StatusCode != http.StatusOK || a.response.ContentLength != int64(n) || len(a.body) > 0 {
						t.Errorf("HEAD of %s: %s %v", ask, a.response.Status, a.response.Header)
					}
				}
				if a := get(http.StatusPartialContent, "Range", "Bytes=0-3"); !bytes.Equal(a.body, whole.body[:4]) { // units are the same in capitals
					t.Errorf("Bytes: %v", a.response.Header)
				}
			})
		}
	}
}

// TestNotAcceptableHere: a 406 lists the forms of its address, and of no other.
func TestNotAcceptableHere(t *testing.T) {
	s := open(t, httpapi.Options{})
	for target, want := range map[string]string{
		"/v1/rounds/istanbul-2025-3.parquet": "json, csv, ndjson", "/v1/parties.xml": "json, csv, ndjson, parquet",
		"/v1/prisoner-exchanges/totals.xml": "json, csv, ndjson, parquet",
	} {
		detail := decode[struct {
			Detail string `json:"detail"`
			Errors []struct{ Allowed []string }
		}](t, s.get(t, target, http.StatusNotAcceptable).body)
		if !strings.HasPrefix(strings.Join(detail.Errors[0].Allowed, ", "), want) || !strings.Contains(detail.Detail, want) || want == "json, csv, ndjson" && slices.Contains(detail.Errors[0].Allowed, "parquet") {
			t.Errorf("%s: %+v", target, detail)
		}
	}
	s.get(t, "/v1/nothing.csv", http.StatusNotFound)
	s.do(t, http.MethodGet, "/v1/rounds", http.Header{"Accept": {"application/vnd.apache.parquet"}}, http.StatusOK)
	s.do(t, http.MethodGet, "/v1/rounds/istanbul-2025-3", http.Header{"Accept": {"application/vnd.apache.parquet"}}, http.StatusNotAcceptable)
}
