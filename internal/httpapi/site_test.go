package httpapi_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/google/go-cmp/cmp"

	"github.com/parley-api/parley/api"
	"github.com/parley-api/parley/internal/httpapi"
	"github.com/parley-api/parley/internal/pgtest"
	"github.com/parley-api/parley/internal/store"
)

// responsesOf lists the responses of a contract, shared ones once.
func responsesOf(doc *openapi3.T) []*openapi3.ResponseRef {
	all := slices.Collect(maps.Values(doc.Components.Responses))
	for _, item := range doc.Paths.Map() {
		for _, operation := range item.Operations() {
			for _, ref := range operation.Responses.Map() {
				if ref.Ref == "" {
					all = append(all, ref)
				}
			}
		}
	}
	return all
}

// contract is api/openapi.yaml.
func contract(t *testing.T) *openapi3.T {
	t.Helper()
	doc, err := loadContract()
	if err != nil {
		t.Fatal("api/openapi.yaml:", err)
	}
	return doc
}

// selectedContract is the contract for answers with fields=, whose records have only some of the properties.
func selectedContract(t *testing.T) *openapi3.T {
	t.Helper()
	doc, err := loadSelected()
	if err != nil {
		t.Fatal("api/openapi.yaml:", err)
	}
	return doc
}

var (
	loadContract = sync.OnceValues(func() (*openapi3.T, error) {
		for _, media := range []string{
			"application/vnd.apache.parquet", "application/x-ndjson", "multipart/byteranges", "text/html", "text/css", "text/javascript", "image/svg+xml", "image/png", "application/xml", "application/atom+xml", "text/calendar", "application/x-bibtex",
		} {
			openapi3filter.RegisterBodyDecoder(media, openapi3filter.PlainBodyDecoder)
		}
		for _, media := range []string{"application/ld+json", "application/feed+json", "application/vnd.citationstyles.csl+json"} {
			openapi3filter.RegisterBodyDecoder(media, openapi3filter.JSONBodyDecoder)
		}
		return openapi3.NewLoader().LoadFromData(api.YAML)
	})
	loadSelected = sync.OnceValues(func() (*openapi3.T, error) {
		doc, err := openapi3.NewLoader().LoadFromData(api.YAML)
		for _, table := range store.Tables {
			if err == nil {
				doc.Components.Schemas[reflect.TypeOf(table.Record).Name()].Value.Required = nil
			}
		}
		return doc, err
	})
)

// site is a running server whose every answer is held to the contract.
type site struct {
	url    string
	client *http.Client
}

type answer struct {
	response *http.Response
	body     []byte
}

func open(t *testing.T, o httpapi.Options) *site {
	t.Helper()
	if o.DB == nil {
		o.DB = pgtest.Shared(t)
	}
	server := httptest.NewServer(httpapi.New(o))
	t.Cleanup(server.Close)
	client := server.Client()
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &site{url: server.URL, client: client}
}

func (s *site) get(t *testing.T, target string, status int) answer {
	t.Helper()
	return s.do(t, http.MethodGet, target, nil, status)
}

// do sends a request and checks that the answer has the status and is as the contract says.
func (s *site) do(t *testing.T, method, target string, header http.Header, status int, body ...string) answer {
	t.Helper()
	a := s.send(t, method, target, header, body...)
	if a.response.StatusCode != status {
		t.Errorf("%s %s: %s, want %d: %.300s", method, target, a.response.Status, status, a.body)
	} else if err := conforms(t, a); err != nil {
		t.Errorf("%s %s: %s is not as the contract says: %v", method, target, a.response.Status, err)
	}
	return a
}

// ask gets an answer that must be a success, and does not compare it with the contract, which takes ten times as long.
func (s *site) ask(t *testing.T, target string) answer {
	t.Helper()
	a := s.send(t, http.MethodGet, target, nil)
	if a.response.StatusCode != http.StatusOK {
		t.Errorf("%s: %s: %.300s", target, a.response.Status, a.body)
	}
	return a
}

func (s *site) send(t *testing.T, method, target string, header http.Header, parts ...string) answer {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, s.url+target, strings.NewReader(strings.Join(parts, "")))
	if err != nil {
		t.Fatal(err)
	}
	maps.Copy(r.Header, header)
	response, err := s.client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{response, body}
}

// conforms checks an answer, and that the request was one that the contract allows, or else was refused.
func conforms(t *testing.T, a answer) error {
	t.Helper()
	doc, r, response := contract(t), a.response.Request, a.response
	if r.URL.Query().Has("fields") {
		doc = selectedContract(t)
	}
	template, params := match(doc, r.URL.Path)
	item := doc.Paths.Value(template)
	if item == nil || item.GetOperation(r.Method) == nil {
		if response.StatusCode < 400 {
			return errors.New("there is no such operation")
		}
		if strings.HasPrefix(response.Header.Get("Content-Type"), "text/html") {
			return nil // the page of an error
		}
		return doc.Components.Schemas["Problem"].Value.VisitJSON(decode[any](t, a.body), openapi3.EnableJSONSchema2020())
	}
	operation := item.GetOperation(r.Method)
	if operation.Responses.Status(response.StatusCode) == nil {
		return errors.New("there is no such status")
	}
	options := &openapi3filter.Options{IncludeResponseStatus: true, ExcludeRequestBody: true, AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, ExcludeResponseBody: template == "/docs/{asset}"}
	request := &openapi3filter.RequestValidationInput{
		Request:    r,
		PathParams: params,
		Route:      &routers.Route{Spec: doc, Path: template, PathItem: item, Method: r.Method, Operation: operation},
		Options:    options,
	}
	if err := openapi3filter.ValidateRequest(r.Context(), request); err != nil && response.StatusCode < 300 {
		return fmt.Errorf("the request is not allowed: %w", err)
	}
	input := &openapi3filter.ResponseValidationInput{RequestValidationInput: request, Status: response.StatusCode, Header: response.Header, Options: options}
	return openapi3filter.ValidateResponse(r.Context(), input.SetBodyBytes(a.body))
}

// match finds the path of the contract that an address belongs to. An extension is part of every address below /v1.
func match(doc *openapi3.T, address string) (template string, params map[string]string) {
	if strings.HasPrefix(address, "/v1/") && doc.Paths.Value(address) == nil {
		address, _, _ = strings.Cut(address, ".")
	}
	if address == "/docs/" {
		address = "/docs"
	}
	if doc.Paths.Value(address) != nil {
		return address, nil
	}
	for template := range doc.Paths.Map() {
		if params, ok := fits(template, address); ok {
			return template, params
		}
	}
	return "", nil
}

// fits tells whether an address is one of a template's, segment by segment, and what its parameters are.
func fits(template, address string) (map[string]string, bool) {
	want, got := strings.Split(template, "/"), strings.Split(address, "/")
	if len(want) != len(got) {
		return nil, false
	}
	params := map[string]string{}
	for i, segment := range want {
		if name, ok := strings.CutPrefix(segment, "{"); ok {
			params[strings.TrimSuffix(name, "}")] = got[i]
		} else if segment != got[i] {
			return nil, false
		}
	}
	return params, true
}

// asText makes differences of undecoded JSON readable.
var asText = cmp.Transformer("text", func(raw json.RawMessage) string { return string(raw) })

func decode[T any](t *testing.T, text []byte) (value T) {
	t.Helper()
	if err := json.Unmarshal(text, &value); err != nil {
		t.Fatalf("%v: %.300s", err, text)
	}
	return value
}

// plain gives a value of the contract the types that JSON has.
func plain(t *testing.T, value any) any {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return decode[any](t, text)
}
