package store_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/parley-api/parley/internal/pgtest"
	"github.com/parley-api/parley/internal/query"
	"github.com/parley-api/parley/internal/render"
	"github.com/parley-api/parley/internal/store"
)

// object is a record as clients see it.
type object map[string]any

func (r object) id() string { return fmt.Sprint(r["id"]) }

// ask runs a query in the nested form, all pages of it, and returns the records.
func ask(t testing.TB, table *store.Table, parameters url.Values) []object {
	t.Helper()
	records, _ := askPage(t, table, parameters, 100_000)
	return records
}

func askPage(t testing.TB, table *store.Table, parameters url.Values, limit int) ([]object, store.Info) {
	t.Helper()
	l, err := query.Parse(parameters, table.Grammar())
	if err != nil {
		t.Fatalf("%s?%s: %v", table.Name, parameters.Encode(), err)
	}
	if l.Limit == 0 {
		l.Limit = limit
	}
	var records []object
	question := store.Question{Table: table, List: l}
	shape := question.Shape()
	info, err := store.Page(t.Context(), pgtest.Shared(t), question, func(row store.Row) {
		var r object
		decoder := json.NewDecoder(strings.NewReader(string(render.AppendJSON(nil, render.Record{Columns: shape, Values: row}))))
		decoder.UseNumber()
		if err := decoder.Decode(&r); err != nil {
			t.Fatal(err)
		}
		records = append(records, r)
	})
	if err != nil {
		t.Fatalf("%s?%s: %v", table.Name, parameters.Encode(), err)
	}
	return records, info
}

// askFlat runs a query in the flat form and returns the ids in the order in which they come, each once.
func askFlat(t testing.TB, table *store.Table, parameters url.Values) []string {
	t.Helper()
	l, err := query.Parse(parameters, table.Grammar())
	if err != nil {
		t.Fatal(err)
	}
	question := store.Question{Table: table, List: l, Form: store.Flat}
	shape := question.Shape()
	at := slices.Index(shape.Names(), "id")
	var ids []string
	var info store.Info
	for row, err := range store.Each(t.Context(), pgtest.Shared(t), question, &info) {
		if err != nil {
			t.Fatalf("%s?%s flat: %v", table.Name, parameters.Encode(), err)
		}
		line := strings.TrimSpace(string(render.AppendCSV(nil, render.Record{Columns: shape[at : at+1], Values: row[at : at+1]})))
		if len(ids) == 0 || ids[len(ids)-1] != line {
			ids = append(ids, line)
		}
	}
	if info.Revision != 1 {
		t.Errorf("the stream read revision %d", info.Revision)
	}
	return ids
}

func ids(records []object) []string {
	var all []string
	for _, r := range records {
		all = append(all, r.id())
	}
	return all
}

// values lists what a record has under a field: nothing if unknown, several for a list. The columns of rows stand in the
// nested list or object that the rows replace.
func values(table *store.Table, f query.Field, ofRow bool, r object) []string {
	if ofRow {
		var all []string
		for _, part := range parts(r[table.Rows.Of]) {
			all = append(all, texts(part[f.Name])...)
		}
		return all
	}
	return texts(r[f.Name])
}

func parts(nested any) []map[string]any {
	switch nested := nested.(type) {
	case map[string]any:
		return []map[string]any{nested}
	case []any:
		var all []map[string]any
		for _, part := range nested {
			all = append(all, part.(map[string]any))
		}
		return all
	}
	return nil
}

func texts(value any) []string {
	switch value := value.(type) {
	case nil:
		return nil
	case []any:
		var all []string
		for _, v := range value {
			if object, ok := v.(map[string]any); ok {
				v = object["id"]
			}
			all = append(all, fmt.Sprint(v))
		}
		return all
	default:
		return []string{fmt.Sprint(value)}
	}
}

// samples picks some of the values that a field has, as filters write them.
func samples(all [][]string) []string {
	seen := map[string]bool{}
	var some []string
	for _, values := range all {
		for _, v := range values {
			if !seen[v] && v != "" {
				seen[v] = true
				some = append(some, v)
			}
		}
	}
	slices.Sort(some)
	if len(some) > 4 {
		some = []string{some[0], some[len(some)/3], some[2*len(some)/3], some[len(some)-1]}
	}
	return some
}

func quoted(value string) string {
	if strings.ContainsAny(value, `,"`) {
		return `"` + strings.ReplaceAll(value, `"`, `""`) + `"`
	}
	return value
}

// TestEveryFilter compares every filter, with every operator, in both layouts, with a loop over all records.
func TestEveryFilter(t *testing.T) {
	for _, table := range store.Tables {
		t.Run(table.Name, func(t *testing.T) {
			t.Parallel()
			all := ask(t, table, nil)
			for _, column := range table.Column {
				f, _ := table.Grammar().Field(column.Name)
				if column.Hidden {
					continue // these have tests of their own
				}
				of := make([][]string, len(all))
				for i, r := range all {
					of[i] = values(table, f, column.OfRow, r)
				}
				for _, op := range f.Operators() {
					if op == "not" && column.OfRow {
						continue // whether a part matches is not seen from its values alone: TestConditionsOnParts
					}
					for parameters, match := range questions(f, op, of) {
						name, value, _ := strings.Cut(parameters, "=")
						asked := url.Values{name: {value}, "fields": {"id"}}
						got := ids(ask(t, table, asked))
						var want []string
						for i, r := range all {
							if match(of[i]) {
								want = append(want, r.id())
							}
						}
						if diff := cmp.Diff(want, got); diff != "" {
							t.Errorf("%s (-want +got):\n%s", parameters, diff)
						}
						if diff := cmp.Diff(want, askFlat(t, table, asked)); diff != "" {
							t.Errorf("flat, %s (-want +got):\n%s", parameters, diff)
						}
					}
				}
			}
		})
	}
}

// questions pairs filters on a field with what they mean for the values that a record has.
func questions(f query.Field, op string, of [][]string) map[string]func(values []string) bool {
	all := map[string]func([]string) bool{}
	if op == "known" {
		all[f.Name+".known=true"] = func(v []string) bool { return len(v) > 0 }
		if !f.Hidden { // of a part it asks for a part without the value: TestConditionsOnParts
			all[f.Name+".known=false"] = func(v []string) bool { return len(v) == 0 }
		}
		return all
	}
	add := func(value string, match func(string) bool) {
		if op == "not" {
			all[f.Name+".not="+value] = func(v []string) bool { return !slices.ContainsFunc(v, match) }
		} else {
			all[f.Name+"="+value] = func(v []string) bool { return slices.ContainsFunc(v, match) }
		}
	}
	some := samples(of)
	for _, v := range some {
		switch f.Type {
		case query.Date, query.Time, query.LocalTime:
			add(v[:4], func(s string) bool { return utc(f, s)[:4] == v[:4] })
			add(utc(f, v)[:7], func(s string) bool { return utc(f, s)[:7] == utc(f, v)[:7] })
			add(utc(f, v)[:10]+"..", func(s string) bool { return utc(f, s) >= utc(f, v)[:10] })
			add(".."+utc(f, v)[:10], func(s string) bool { return utc(f, s)[:10] <= utc(f, v)[:10] })
		case query.Integer, query.Number, query.Scalar:
			x, err := strconv.ParseFloat(v, 64)
			if err != nil {
				continue // a text among reported values
			}
			number := func(s string) (float64, bool) {
				y, err := strconv.ParseFloat(s, 64)
				return y, err == nil
			}
			add(v, func(s string) bool { y, ok := number(s); return ok && y == x })
			add(v+"..", func(s string) bool { y, ok := number(s); return ok && y >= x })
			add(".."+v, func(s string) bool { y, ok := number(s); return ok && y <= x })
		default:
			add(quoted(v), func(s string) bool { return s == v })
		}
	}
	if len(some) > 1 && !f.Type.Ranged() && f.Type != query.Boolean {
		add(quoted(some[0])+","+quoted(some[1]), func(s string) bool { return s == some[0] || s == some[1] })
	}
	return all
}

// utc is a day or an instant as UTC has it.
func utc(f query.Field, text string) string {
	if f.Type != query.LocalTime {
		return text
	}
	return instant(text)
}

// TestEverySort compares every order with the one that its keys say: unknown last, ties by id.
func TestEverySort(t *testing.T) {
	for _, table := range store.Tables {
		t.Run(table.Name, func(t *testing.T) {
			t.Parallel()
			all := ask(t, table, url.Values{"sort": {"id"}})
			for _, key := range table.Grammar().SortKeys() {
				f, _ := table.Grammar().Field(key)
				if f.Hidden {
					continue // short for another key
				}
				for _, sort := range []string{key, "-" + key} {
					want := slices.Clone(all)
					slices.SortFunc(want, order(f, strings.HasPrefix(sort, "-")))
					got := ids(ask(t, table, url.Values{"sort": {sort}}))
					if diff := cmp.Diff(ids(want), got); diff != "" {
						t.Errorf("sort=%s (-want +got):\n%s", sort, diff)
					}
					if diff := cmp.Diff(got, askFlat(t, table, url.Values{"sort": {sort}})); diff != "" {
						t.Errorf("flat, sort=%s (-want +got):\n%s", sort, diff)
					}
				}
			}
		})
	}
}

func order(f query.Field, descending bool) func(a, b object) int {
	return func(a, b object) int {
		x, y := texts(a[f.Name]), texts(b[f.Name])
		if len(x) == 0 || len(y) == 0 {
			if len(x) != len(y) {
				return len(y) - len(x) // the unknown last
			}
			x, y = []string{""}, []string{""}
		}
		c := strings.Compare(x[0], y[0])
		if f.Type == query.Integer && x[0] != "" {
			m, _ := strconv.Atoi(x[0])
			n, _ := strconv.Atoi(y[0])
			c = m - n
		}
		if c == 0 {
			c = strings.Compare(a.id(), b.id())
			if m, err := strconv.Atoi(a.id()); err == nil { // ids are numbers here
				n, _ := strconv.Atoi(b.id())
				c = m - n
			}
		}
		if descending {
			return -c
		}
		return c
	}
}

// TestWalk follows the pages of every collection in every order and meets each record once.
func TestWalk(t *testing.T) {
	for _, table := range store.Tables {
		t.Run(table.Name, func(t *testing.T) {
			t.Parallel()
			orders := table.Grammar().SortKeys()
			for _, key := range slices.Clone(orders) {
				orders = append(orders, "-"+key)
			}
			for _, sort := range orders {
				want := ids(ask(t, table, url.Values{"sort": {sort}}))
				got := walk(t, table, url.Values{"sort": {sort}, "limit": {strconv.Itoa(len(want)/4 + 1)}, "fields": {"id"}})
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("sort=%s (-whole +by pages):\n%s", sort, diff)
				}
			}
			if table.Search.Where != "" {
				want := ids(ask(t, table, url.Values{"q": {"the or exchange or russia or bodies or r"}}))
				got := walk(t, table, url.Values{"q": {"the or exchange or russia or bodies or r"}, "limit": {strconv.Itoa(len(want)/4 + 1)}})
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("ranked (-whole +by pages):\n%s", diff)
				}
			}
		})
	}
}

func walk(t *testing.T, table *store.Table, parameters url.Values) []string {
	t.Helper()
	var all []string
	for range 1000 {
		records, info := askPage(t, table, parameters, 0)
		all = append(all, ids(records)...)
		if info.Next == nil {
			return all
		}
		l, err := query.Parse(parameters, table.Grammar())
		if err != nil {
			t.Fatal(err)
		}
		if parameters, err = url.ParseQuery(l.Next(*info.Next)); err != nil {
			t.Fatal(err)
		}
	}
	t.Fatal("the walk does not end")
	return nil
}
