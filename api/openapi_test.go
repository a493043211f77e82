package api_test

import (
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/go-chi/chi/v5"
	"github.com/google/go-cmp/cmp"

	"github.com/parley-api/parley/api"
	"github.com/parley-api/parley/internal/httpapi"
	"github.com/parley-api/parley/internal/record"
	"github.com/parley-api/parley/internal/store"
	"github.com/parley-api/parley/internal/talks"
)

// The contract in api/openapi.yaml is written by hand. These tests compare it with the program as
// it is built, in both directions; those of package httpapi compare it with what the program answers.

func TestContractIsValid(t *testing.T) {
	// Examples show selected fields only; package httpapi compares them with the program.
	if err := contract(t).Validate(t.Context(), openapi3.DisableExamplesValidation()); err != nil {
		t.Error(err)
	}
	fromJSON, err := api.JSON()
	if err != nil {
		t.Fatal(err)
	}
	converted, err := openapi3.NewLoader().LoadFromData(fromJSON)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(text(t, contract(t)), text(t, converted)); diff != "" {
		t.Errorf("openapi.yaml (-) and openapi.json (+):\n%s", diff)
	}
}

func TestContractHasEveryRoute(t *testing.T) {
	var routes, documented []string
	err := chi.Walk(httpapi.New(httpapi.Options{}).(chi.Routes), func(method, route string, _ http.Handler, _ ...func(http.Handler) http.Handler) error {
		routes = append(routes, method+" "+strings.ReplaceAll(route, "*", "{asset}"))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for path, item := range contract(t).Paths.Map() {
		for method := range item.Operations() {
			documented = append(documented, method+" "+path)
		}
	}
	slices.Sort(routes)
	slices.Sort(documented)
	if diff := cmp.Diff(routes, documented); diff != "" {
		t.Errorf("routes (-) and paths of the contract (+):\n%s", diff)
	}
}

func TestContractHasEveryParameter(t *testing.T) {
	quoted := regexp.MustCompile("`([^`]*)`")
	for _, table := range store.Tables {
		t.Run(table.Name, func(t *testing.T) {
			grammar := table.Grammar()
			var names []string
			for _, ref := range contract(t).Paths.Value("/v1/" + table.Name).Get.Parameters {
				p := ref.Value
				if p.In != openapi3.ParameterInQuery || p.Required {
					t.Errorf("%s is not an optional parameter of the query", p.Name)
				}
				names = append(names, spellings(p)...)
				switch p.Name {
				case "sort":
					var want []any
					for _, key := range grammar.SortKeys() {
						want = append(want, key, "-"+key)
					}
					if diff := cmp.Diff(want, p.Schema.Value.Enum); diff != "" {
						t.Errorf("sort keys of the program (-) and the contract (+):\n%s", diff)
					}
					if p.Schema.Value.Default != grammar.DefaultSort {
						t.Errorf("default of sort is %v, want %s", p.Schema.Value.Default, grammar.DefaultSort)
					}
				case "limit":
					got := fmt.Sprint(*p.Schema.Value.Min, *p.Schema.Value.Max, p.Schema.Value.Default)
					if want := fmt.Sprint(1, grammar.Limits.Max, grammar.Limits.Default); got != want {
						t.Errorf("least, greatest and usual limit are %s, want %s", got, want)
					}
				}
				if field, _ := grammar.Field(p.Name); field.Values != nil {
					var words []string
					for _, match := range quoted.FindAllStringSubmatch(p.Description, -1) {
						words = append(words, match[1])
					}
					if diff := cmp.Diff(field.Values, words); diff != "" {
						t.Errorf("values of %s in the program (-) and the contract (+):\n%s", p.Name, diff)
					}
				}
			}
			if diff := cmp.Diff(grammar.Parameters(), names); diff != "" {
				t.Errorf("parameters of the program (-) and the contract (+):\n%s", diff)
			}
		})
	}
}

// TestContractHasEveryOtherParameter: of totals and of the search, which are no lists of their own records.
func TestContractHasEveryOtherParameter(t *testing.T) {
	for path, want := range map[string][]string{
		"/v1/prisoner-exchanges/totals": store.PrisonerExchanges.Grammar().TotalsParameters(),
		"/v1/body-repatriations/totals": store.BodyRepatriations.Grammar().TotalsParameters(),
		"/v1/search":                    store.Found.Grammar().Parameters(),
	} {
		var names []string
		for _, ref := range contract(t).Paths.Value(path).Get.Parameters {
			names = append(names, spellings(ref.Value)...)
			if ref.Value.Name == "by" {
				var words []any
				for _, by := range store.TotalsBy {
					words = append(words, by)
				}
				if diff := cmp.Diff(words, ref.Value.Schema.Value.Enum); diff != "" {
					t.Errorf("%s?by= in the program (-) and the contract (+):\n%s", path, diff)
				}
			}
		}
		slices.Sort(names)
		slices.Sort(want)
		if diff := cmp.Diff(want, names); diff != "" {
			t.Errorf("parameters of %s in the program (-) and the contract (+):\n%s", path, diff)
		}
	}
	compareType(t, reflect.TypeFor[talks.Found](), contract(t).Components.Schemas["Found"])
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

func TestContractHasEveryField(t *testing.T) {
	for _, table := range store.Tables {
		t.Run(table.Name, func(t *testing.T) {
			shown := reflect.TypeOf(table.Record)
			if diff := cmp.Diff(table.Grammar().Shown(), keysOf(shown)); diff != "" {
				t.Errorf("columns of the table (-) and JSON keys of talks.%s (+):\n%s", shown.Name(), diff)
			}
			compareType(t, shown, contract(t).Components.Schemas[shown.Name()])
		})
	}
}

// TestContractHasEveryWrite: what can be written of a record stands in the contract, field by field.
func TestContractHasEveryWrite(t *testing.T) {
	for _, k := range record.Kinds {
		var name strings.Builder
		for word := range strings.SplitSeq(k.Name, "_") {
			name.WriteString(strings.ToUpper(word[:1]) + word[1:])
		}
		ref := contract(t).Components.Schemas["Write"+name.String()]
		if ref == nil {
			t.Errorf("the contract has no schema Write%s", name.String())
			continue
		}
		var all, required []string
		for _, f := range k.Fields {
			if k.PartOf != "" && f.Name == strings.TrimSuffix(k.PartOf, "s") {
				continue // a part is written within its record
			}
			all = append(all, f.Name)
			if f.Required {
				required = append(required, f.Name)
			}
			if property := ref.Value.Properties[f.Name]; property != nil && f.Values != nil {
				var words []string
				for _, word := range property.Value.Enum {
					if word != nil {
						words = append(words, word.(string))
					}
				}
				if diff := cmp.Diff(f.Values, words); diff != "" {
					t.Errorf("values of %s.%s (-) and the contract (+):\n%s", k.Name, f.Name, diff)
				}
			}
		}
		if diff := cmp.Diff(slices.Sorted(slices.Values(all)), slices.Sorted(maps.Keys(ref.Value.Properties))); diff != "" {
			t.Errorf("fields of %s (-) and the contract (+):\n%s", k.Name, diff)
		}
		if diff := cmp.Diff(required, ref.Value.Required); diff != "" {
			t.Errorf("required fields of %s (-) and the contract (+):\n%s", k.Name, diff)
		}
	}
}

// compareType compares a struct with the schema that describes it: keys and their order, and of each key whether it is a
// list, an object or a plain value, and whether it may be null.
func compareType(t *testing.T, record reflect.Type, ref *openapi3.SchemaRef) {
	t.Helper()
	if ref == nil {
		t.Errorf("the contract has no schema of talks.%s", record.Name())
		return
	}
	schema := ref.Value
	if diff := cmp.Diff(keysOf(record), schema.Required); diff != "" {
		t.Errorf("keys of talks.%s (-) and required properties of its schema (+):\n%s", record.Name(), diff)
	}
	properties := slices.Sorted(maps.Keys(schema.Properties))
	if diff := cmp.Diff(slices.Sorted(slices.Values(schema.Required)), properties); diff != "" {
		t.Errorf("required (-) and all (+) properties of %s:\n%s", record.Name(), diff)
	}
	if more := schema.AdditionalProperties; more.Has == nil || *more.Has {
		t.Errorf("the schema of talks.%s allows additional properties", record.Name())
	}
	for _, field := range reflect.VisibleFields(record) {
		property, ok := schema.Properties[field.Tag.Get("json")]
		if field.Anonymous || !ok {
			continue
		}
		name := record.Name() + "." + field.Name
		kind, nullable := field.Type, field.Type.Kind() == reflect.Pointer
		if nullable {
			kind = kind.Elem()
		}
		described, null := property, property.Value.Type.Includes("null")
		if alternatives := property.Value.OneOf; len(alternatives) == 2 {
			described, null = alternatives[0], alternatives[1].Value.Type.Is("null")
		}
		if null != nullable {
			t.Errorf("%s may be null: %v in the contract, %v in the type", name, null, nullable)
		}
		switch kind.Kind() {
		case reflect.Interface: // a number or a text
		case reflect.Struct:
			compareType(t, kind, described)
		case reflect.Slice:
			if items := described.Value.Items; items == nil {
				t.Errorf("%s is no list in the contract", name)
			} else if kind.Elem().Kind() == reflect.Struct {
				compareType(t, kind.Elem(), items)
			}
		default:
			if want := jsonType[kind.Kind()]; !described.Value.Type.Includes(want) {
				t.Errorf("%s is %v in the contract, want %s", name, described.Value.Type, want)
			}
		}
	}
}

var jsonType = map[reflect.Kind]string{
	reflect.String: "string", reflect.Bool: "boolean", reflect.Int: "integer", reflect.Int64: "integer", reflect.Float64: "number",
}

// keysOf are the JSON keys of a struct in order, those of embedded structs in their place.
func keysOf(record reflect.Type) []string {
	var keys []string
	for _, field := range reflect.VisibleFields(record) {
		if !field.Anonymous {
			keys = append(keys, field.Tag.Get("json"))
		}
	}
	return keys
}

func TestContractHasEveryWord(t *testing.T) {
	reported, _ := store.Reports.Grammar().Field("collection")
	for _, enum := range []struct {
		schema string
		words  []string
	}{
		{"PartyKind", talks.PartyKinds},
		{"SourceKind", talks.SourceKinds},
		{"RoundStatus", talks.RoundStatuses},
		{"RoundFormat", talks.RoundFormats},
		{"PlacePrecision", talks.PlacePrecisions},
		{"ProposalKind", talks.ProposalKinds},
		{"ProposalStatus", talks.ProposalStatuses},
		{"CommitmentKind", talks.CommitmentKinds},
		{"PersonCategory", talks.PersonCategories},
		{"ClaimTopic", talks.ClaimTopics},
		{"ClaimStatus", talks.ClaimStatuses},
		{"TotalKind", talks.TotalKinds},
		{"Qualifier", talks.Qualifiers},
		{"ReportQualifier", talks.ReportQualifiers},
		{"Unit", talks.Units},
		{"EventType", talks.EventTypes},
		{"ChangeOp", talks.ChangeOps},
		{"WebhookStatus", store.WebhookStatuses},
		{"ReportedCollection", reported.Values},
	} {
		var documented []string
		for _, word := range contract(t).Components.Schemas[enum.schema].Value.Enum {
			if word != nil {
				documented = append(documented, word.(string))
			}
		}
		if diff := cmp.Diff(enum.words, documented); diff != "" {
			t.Errorf("words of the program (-) and of %s in the contract (+):\n%s", enum.schema, diff)
		}
	}
}

func contract(t *testing.T) *openapi3.T {
	t.Helper()
	doc, err := load()
	if err != nil {
		t.Fatal("openapi.yaml:", err)
	}
	return doc
}

var load = sync.OnceValues(func() (*openapi3.T, error) { return openapi3.NewLoader().LoadFromData(api.YAML) })

func text(t *testing.T, doc *openapi3.T) string {
	t.Helper()
	b, err := doc.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
