package render

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/parley-api/parley/internal/query"
)

// TestForms: no two forms are asked for by one name or type, and each says all that is to be said of it.
func TestForms(t *testing.T) {
	name := regexp.MustCompile(`^[a-z]+(\.[a-z]+)*$`)
	seen := map[string]bool{}
	for _, f := range Forms {
		if seen[f.Name] || seen[f.Media] || !name.MatchString(f.Name) {
			t.Errorf("%s (%s) is taken or no extension", f.Name, f.Media)
		}
		seen[f.Name], seen[f.Media] = true, true
		if !strings.HasPrefix(f.Header, f.Media) || f.About == "" || f.Of == 0 || (f.New == nil) != f.Live {
			t.Errorf("%s lacks something: %+v", f.Name, f)
		}
		if f.File && len(f.New(Subject{}).Begin(nil, Meta{})) > 0 {
			t.Errorf("%s begins before it is known what it is", f.Name)
		}
	}
	if first := Forms[0]; first.Has != nil || first.Of != Lists|Records|Totals {
		t.Errorf("%s, which comes unless another is asked for, is not to be had everywhere", first.Name)
	}
}

// TestParquetHasEveryType: a field of any type is a column.
func TestParquetHasEveryType(t *testing.T) {
	for typ := query.Text; typ <= query.Position; typ++ {
		if nodes[typ] == nil {
			t.Errorf("fields of type %d have no column", typ)
		}
	}
}

// TestNullsEverywhere: what is unknown is null in every form, whatever its type.
func TestNullsEverywhere(t *testing.T) {
	columns := []query.Field{{Name: "id", Type: query.Text}, {Name: "lat", Type: query.Number}, {Name: "lon", Type: query.Number}}
	for typ := query.Text; typ <= query.Position; typ++ {
		columns = append(columns, query.Field{Name: fmt.Sprintf("field_%d", typ), Type: typ})
	}
	values := make([][]byte, len(columns))
	values[0] = []byte("a")
	for _, f := range Forms {
		if f.Live || !f.Fits(Lists, columns, columns) {
			continue
		}
		e := f.New(Subject{Kind: Lists, Collection: "things", Columns: columns, Base: "http://parley.test/v1/"})
		body := e.Add(nil, values)
		if body = e.End(append(e.Begin(nil, Meta{}), body...), Meta{}); len(body) == 0 {
			t.Errorf("%s has nothing", f.Name)
		}
	}
}
