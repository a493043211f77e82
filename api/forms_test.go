package api_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/parley-api/parley/internal/render"
	"github.com/parley-api/parley/internal/store"
)

// TestContractHasEveryForm: the table of forms, and the media types of each answer, are those of the program.
func TestContractHasEveryForm(t *testing.T) {
	table := "| form | media type | of | collections |\n|---|---|---|---|\n"
	for _, f := range render.Forms {
		of := "all"
		var names []string
		for _, t := range store.Tables {
			if f.Fits(f.Of, t.Grammar().Fields, t.EntryShape()) {
				names = append(names, t.Name)
			}
		}
		if len(names) < len(store.Tables) {
			of = strings.Join(names, ", ")
		} else if f.Fits(render.Lists, store.Found.Grammar().Fields, store.Found.EntryShape()) {
			of += ", search"
		}
		table += fmt.Sprintf("| `%s` | `%s` | %s | %s |\n", f.Name, f.Media, strings.Join(f.Of.Names(), ", "), of)
	}
	if got := contract(t).Info.Description; !strings.Contains(got, table) {
		t.Errorf("the contract does not have the table of forms:\n%s", table)
	}
	media := func(path string, kind render.Kind, table *store.Table) {
		var want []string
		for _, f := range render.Forms {
			if f.Fits(kind, table.Grammar().Fields, table.EntryShape()) {
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
		media("/v1/"+t.Name, render.Lists, t)
		media("/v1/"+t.Name+"/{id}", render.Records, t)
		media("/v1/"+t.Name+"/totals", render.Totals, t)
	}
	media("/v1/{collection}/{id}/history", render.Lists, store.Changes)
}
