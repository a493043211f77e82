package httpapi_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"path"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/jackc/pgx/v5"

	"github.com/parley-api/parley/internal/httpapi"
	"github.com/parley-api/parley/internal/pgtest"
	"github.com/parley-api/parley/internal/store"
	"github.com/parley-api/parley/internal/talks"
)

// These tests hold everything that the program answers to the contract in api/openapi.yaml, and the contract's examples to
// the program. Package api compares the two without asking.

// TestEveryWord: the enumerations of the database are those of package talks, which package api compares with the contract.
func TestEveryWord(t *testing.T) {
	rows, err := pgtest.Shared(t).Query(t.Context(), `select t.typname::text, array_agg(e.enumlabel::text order by e.enumsortorder)
		from pg_enum e join pg_type t on t.oid = e.enumtypid where t.typnamespace = 'public'::regnamespace group by 1`)
	if err != nil {
		t.Fatal(err)
	}
	stored := map[string][]string{}
	var name string
	var words []string
	if _, err := pgx.ForEachRow(rows, []any{&name, &words}, func() error { stored[name] = slices.Clone(words); return nil }); err != nil {
		t.Fatal(err)
	}
	want := map[string][]string{
		"party_kind":       talks.PartyKinds,
		"source_kind":      talks.SourceKinds,
		"round_status":     talks.RoundStatuses,
		"figure_status":    talks.FigureStatuses,
		"round_format":     talks.RoundFormats,
		"place_precision":  talks.PlacePrecisions,
		"proposal_kind":    talks.ProposalKinds,
		"proposal_status":  talks.ProposalStatuses,
		"commitment_kind":  talks.CommitmentKinds,
		"person_category":  talks.PersonCategories,
		"claim_topic":      talks.ClaimTopics,
		"change_op":        talks.ChangeOps,
		"api_key_scope":    {store.ScopeWrite, store.ScopeAdmin},
		"webhook_status":   store.WebhookStatuses,
		"claim_status":     talks.ClaimStatuses,
		"total_kind":       talks.TotalKinds,
		"qualifier":        talks.Qualifiers,
		"report_qualifier": talks.ReportQualifiers,
		"quantity_unit":    talks.Units,
	}
	if diff := cmp.Diff(want, stored); diff != "" {
		t.Errorf("enumerations of package talks (-) and of the database (+):\n%s", diff)
	}
}

// TestEveryRecord reads all that there is, page by page and record by record, and holds each answer to the contract and
// to the types of package talks.
func TestEveryRecord(t *testing.T) {
	s := open(t, httpapi.Options{})
	for _, table := range store.Tables {
		t.Run(table.Name, func(t *testing.T) {
			t.Parallel()
			list := "/v1/" + table.Name
			type page struct {
				Data []json.RawMessage `json:"data"`
				Next *string           `json:"next"`
				Meta struct {
					Total int `json:"total"`
				} `json:"meta"`
			}
			var records []json.RawMessage
			for next := list + "?limit=7"; next != ""; {
				a := s.ask(t, next)
				part := decode[page](t, a.body)
				records, next = append(records, part.Data...), ""
				if part.Next == nil {
					continue
				}
				next = strings.TrimPrefix(*part.Next, s.url)
				if link := a.response.Header.Get("Link"); link != "<"+*part.Next+`>; rel="next"` {
					t.Errorf("Link is %s, next is %s", link, *part.Next)
				}
			}
			s.get(t, list+"?limit=1", http.StatusOK) // which has a next page
			whole := decode[page](t, s.get(t, list+"?limit=1000&total_count=true", http.StatusOK).body)
			if diff := cmp.Diff(whole.Data, records[:len(whole.Data)], asText); diff != "" || len(records) == 0 || len(records) != whole.Meta.Total {
				t.Errorf("%d records in all, on one page (-) and by a walk (+):\n%s", whole.Meta.Total, diff)
			}
			only := ""
			if table == store.Changesets { // by itself, one shows also what it changed
				only = "?fields=" + strings.Join(table.Grammar().Shown(), ",")
			}
			seen := map[string]bool{}
			for _, record := range records {
				sameAsType(t, reflect.TypeOf(table.Record), record)
				id := fmt.Sprint(decode[struct{ ID any }](t, record).ID)
				if seen[id] {
					t.Errorf("%s came twice", id)
				}
				seen[id] = true
				single := s.ask(t, list+"/"+id+only)
				if !bytes.Equal(bytes.TrimSpace(single.body), record) {
					t.Errorf("%s in the list (-) and by itself (+):\n%s", id, cmp.Diff(string(record)+"\n", string(single.body)))
				}
				if len(seen) == 1 { // the schema is that of the list's records, which were checked
					s.get(t, list+"/"+id, http.StatusOK)
				}
			}
			var lines []byte
			for _, record := range records {
				lines = append(append(lines, record...), '\n')
			}
			if ndjson := s.get(t, list+".ndjson", http.StatusOK); !bytes.Equal(ndjson.body, lines) {
				t.Errorf("NDJSON is not the records of the list:\n%s", cmp.Diff(string(lines), string(ndjson.body)))
			}
			s.get(t, list+".csv", http.StatusOK)
		})
	}
}

// sameAsType decodes a record into its type, which must know every key, and back, which must lose nothing.
func sameAsType(t *testing.T, record reflect.Type, wire []byte) {
	t.Helper()
	value := reflect.New(record).Interface()
	decoder := json.NewDecoder(bytes.NewReader(wire))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(value); err != nil {
		t.Errorf("%v in %s", err, wire)
		return
	}
	back, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	if there, here := decode[any](t, wire), decode[any](t, back); !reflect.DeepEqual(there, here) {
		t.Errorf("the wire (-) and the type talks.%s (+):\n%s", record.Name(), cmp.Diff(there, here))
	}
}

// TestEveryParameter asks each list by each of its parameters, with each operator, and for half of its fields at a time.
func TestEveryParameter(t *testing.T) {
	s := open(t, httpapi.Options{})
	samples := map[string]string{ // by the schema of the parameter
		"Texts":    `a,"b, c"`,
		"Numbers":  "1,2..,..1000,1..5",
		"Degrees":  "46.5,46..52,48..,..52",
		"Days":     "2025-07-23,2025-07,2025,2025-06-02..2025-07,2026..,..2025",
		"Instants": "2025-07-23T17:40:00Z,2025-07,2026-01-01..,..2025",
	}
	for _, table := range store.Tables {
		t.Run(table.Name, func(t *testing.T) {
			t.Parallel()
			list := "/v1/" + table.Name
			grammar := table.Grammar()
			for _, ref := range contract(t).Paths.Value(list).Get.Parameters {
				p := ref.Value
				field, _ := grammar.Field(p.Name)
				var values []string
				switch {
				case slices.Contains([]string{"limit", "cursor", "fields"}, p.Name):
					continue // other tests use them
				case p.Name == "sort":
					for _, key := range p.Schema.Value.Enum {
						values = append(values, key.(string))
					}
				case p.Name == "as_of":
					values = []string{"1", "0", "2026-11-23T00:00:00Z"}
				case p.Name == "min_revision":
					values = []string{"1", "0"}
				case p.Name == "reported_by":
					values = []string{"UA", "RU", "AE"}
				case p.Name == "after":
					values = []string{"100"}
				case p.Name == "bbox":
					values = []string{"22,44.3,40.3,52.4", "30,-90,20,90"}
				case p.Name == "q":
					values = []string{`working groups or "prisoners" -bodies`}
				case p.Schema.Value.Type.Is("boolean"):
					values = []string{"true", "false"}
				case field.Values != nil:
					values = []string{strings.Join(field.Values, ",")}
				default:
					values = []string{samples[path.Base(p.Schema.Ref)]}
				}
				for _, name := range spellings(p) {
					if strings.HasSuffix(name, ".known") {
						values = []string{"true", "false"}
					}
					for _, value := range values {
						s.ask(t, list+"?limit=2&"+name+"="+url.QueryEscape(value))
					}
				}
			}
			for half := range 2 {
				var fields []string
				for i, name := range grammar.Shown() {
					if i%2 == half {
						fields = append(fields, name)
					}
				}
				a := s.get(t, list+"?limit=20&fields="+strings.Join(fields, ","), http.StatusOK)
				for _, record := range decode[struct{ Data []map[string]any }](t, a.body).Data {
					if diff := cmp.Diff(slices.Sorted(slices.Values(fields)), slices.Sorted(maps.Keys(record))); diff != "" {
						t.Errorf("fields asked for (-) and shown (+):\n%s", diff)
					}
				}
			}
		})
	}
}

// spellings are the parameters that one of the contract stands for: itself and with each of its operators.
func spellings(p *openapi3.Parameter) []string {
	names := []string{p.Name}
	operators, _ := p.Extensions["x-operators"].([]any)
	for _, op := range operators {
		names = append(names, p.Name+"."+op.(string))
	}
	return names
}

func TestServiceAnswers(t *testing.T) {
	s := open(t, httpapi.Options{})
	etag := s.get(t, "/v1/rounds", http.StatusOK).response.Header.Get("Etag")
	for _, c := range []struct {
		method, target string
		header         http.Header
		status         int
	}{
		{"GET", "/", nil, 307},
		{"GET", "/", http.Header{"Accept": {"text/html"}}, 200},
		{"GET", "/healthz", nil, 200},
		{"GET", "/readyz", nil, 200},
		{"GET", "/openapi.yaml", nil, 200},
		{"GET", "/openapi.json", nil, 200},
		{"GET", "/docs", nil, 200},
		{"GET", "/docs/", nil, 200},
		{"GET", "/docs/swagger-ui.css", nil, 200},
		{"GET", "/docs/nothing", nil, 404},
		{"GET", "/v1", nil, 200},
		{"GET", "/v1?party=UA", nil, 400},
		{"GET", "/v1/rounds", http.Header{"If-None-Match": {etag}}, 304},
		{"GET", "/v1/rounds", http.Header{"Accept": {"text/csv"}}, 200},
		{"GET", "/v1/rounds/istanbul-2025-3", http.Header{"Accept": {"application/x-ndjson"}}, 200},
		{"GET", "/v1/rounds", http.Header{"Accept": {"image/png"}}, 406},
		{"GET", "/v1/rounds.xml", nil, 406},
		{"GET", "/v1/rounds?limit=0", nil, 400},
		{"GET", "/v1/rounds?status=hold&dat=2025", nil, 400},
		{"GET", "/v1/rounds?cursor=mine", nil, 400},
		{"GET", "/v1/rounds?q=%zz", nil, 400},
		{"GET", "/v1/rounds/istanbul-2025-3?party=UA", nil, 400},
		{"GET", "/v1/rounds/none", nil, 404},
		{"GET", "/v1/round", nil, 404},
		{"GET", "/problems/none", nil, 404},
		{"POST", "/v1/rounds", nil, 405},
		{"PUT", "/v1/delegations/istanbul-2025-3-ru", nil, 405},
		{"DELETE", "/v1/rounds/istanbul-2025-3", nil, 401},
		{"POST", "/v1/changesets", nil, 401},
		{"GET", "/v1/webhooks", nil, 401},
		{"POST", "/v1/webhooks", nil, 401},
	} {
		t.Run(c.method+" "+c.target, func(t *testing.T) { s.do(t, c.method, c.target, c.header, c.status) })
	}
	for _, kind := range contract(t).Components.Schemas["ProblemName"].Value.Enum {
		s.get(t, "/problems/"+kind.(string), http.StatusOK)
	}
	waking := open(t, httpapi.Options{Ready: func() error { return errors.New("not yet") }})
	waking.get(t, "/readyz", http.StatusServiceUnavailable)
}

// TestExamples: what the contract and the index give to paste is what the program answers.
func TestExamples(t *testing.T) {
	if err := selectedContract(t).Validate(t.Context()); err != nil {
		t.Error(err)
	}
	s := open(t, httpapi.Options{})
	for _, table := range store.Tables {
		for _, query := range table.Try {
			s.get(t, "/v1/"+table.Name+query, http.StatusOK)
		}
	}
	quoted := regexp.MustCompile("`(/[a-z][^`{}]*)`")
	text := contract(t).Info.Description
	for template, item := range contract(t).Paths.Map() {
		if item.Get == nil || item.Get.Security != nil { // other tests have the keys
			continue
		}
		text += item.Get.Description
		target := template
		for _, ref := range item.Get.Parameters {
			if p := ref.Value; p.In == openapi3.ParameterInPath {
				target = strings.Replace(target, "{"+p.Name+"}", fmt.Sprint(p.Example), 1)
			}
		}
		if target != template {
			s.get(t, target, http.StatusOK)
		}
	}
	for _, match := range quoted.FindAllStringSubmatch(text, -1) {
		if strings.Contains(match[1], ".sse") {
			stream := subscribe(t, s.url+match[1])
			stream.must(t)
			stream.stop()
			continue
		}
		s.get(t, match[1], http.StatusOK)
	}
	count := 0
	for _, ref := range responsesOf(contract(t)) {
		for media, content := range ref.Value.Content {
			for name, example := range content.Examples {
				target, _ := example.Value.Extensions["x-request"].(string)
				if target == "" {
					t.Errorf("example %s does not say by x-request what it is an answer to", name)
					continue
				}
				count++
				a := s.send(t, http.MethodGet, target, nil)
				body := strings.ReplaceAll(string(a.body), s.url, contract(t).Servers[0].URL)
				want, got := any(strings.ReplaceAll(body, "\r\n", "\n")), example.Value.Value
				if strings.HasSuffix(media, "json") {
					want = decode[any](t, []byte(body))
				}
				if diff := cmp.Diff(want, plain(t, got), cmpopts.IgnoreMapEntries(func(key string, _ any) bool { return key == "request_id" })); diff != "" {
					t.Errorf("%s: the answer (-) and the example %s (+):\n%s", target, name, diff)
				}
			}
		}
	}
	if count < len(store.Tables) {
		t.Errorf("the contract has %d examples of answers, fewer than collections", count)
	}
}
