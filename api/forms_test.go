package api_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/parley-api/parley/internal/query"
	"github.com/parley-api/parley/internal/render"
	"github.com/parley-api/parley/internal/store"
)

// TestContractHasEveryForm: the table of forms, and the media types of each answer, are those of the program.
func TestContractHasEveryForm(t *testing.T) {
	table := "| form | media type | of | collections |\n|---|---|---|---|\n"
	for _, f := range render.Forms {
		of := "all"
		if f.Has != nil {
			var names []string
			for _, t := range store.Tables {
				if f.Has(t.Grammar().Fields) {
					names = append(names, t.Name)
				}
			}
			if len(names) < len(store.Tables) {
				of = strings.Join(names, ", ")
			}
		}
		table += fmt.Sprintf("| `%s` | `%s` | %s | %s |\n", f.Name, f.Media, strings.Join(f.Of.Names(), ", "), of)
	}
	if got := contract(t).Info.Description; !strings.Contains(got, table) {
		t.Errorf("the contract does not have the table of forms:\n%s", table)
	}
	media := func(path string, kind render.Kind, columns []query.Field) {
		var want []string
		for _, f := range render.Forms {
			if f.Fits(kind, columns) {
				want = append(want, f.Media)
			}
		}
		slices.Sort(want)
		item := contract(t).Paths.Value(path)
		if item == nil {
			return
		}
		got := slices.Sorted(maps.Keys(item.Get.Responses.Status(200).Value.Content))
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("media types of %s in the program (-) and the contract (+):\n%s", path, diff)
		}
	}
	for _, t := range append([]*store.Table{store.Found}, store.Tables...) {
		columns := t.Grammar().Fields
		media("/v1/"+t.Name, render.Lists, columns)
		media("/v1/"+t.Name+"/{id}", render.Records, columns)
		media("/v1/"+t.Name+"/totals", render.Totals, columns)
	}
	media("/v1/{collection}/{id}/history", render.Lists, store.Changes.Grammar().Fields)
}
