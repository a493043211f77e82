package render_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/parley-api/parley/internal/query"
	"github.com/parley-api/parley/internal/render"
)

func catalogue() render.Catalogue {
	m := meta()
	m.Permalink = "https://parley.test/v1/datapackage.json?as_of=8"
	return render.Catalogue{
		Meta: m, Base: "https://parley.test/v1/", From: "2022-02-24", To: "2026-05-31",
		Collections: []render.Catalogued{{
			Name: "rounds", About: "Meetings.", From: "2022-02-24", To: "2026-05-31", Single: true, Forms: []*render.Form{render.CSV, render.Bib},
			Columns: []query.Field{
				{Name: "id", Type: query.Text},
				{Name: "number", Type: query.Integer, Nullable: true},
				{Name: "starts_on", Type: query.Date},
				{Name: "started_at", Type: query.LocalTime, Nullable: true},
				{Name: "status", Type: query.Enum, Values: []string{"held", "cancelled"}},
				{Name: "place_precision", Type: query.Enum, Values: []string{"city"}, Nullable: true},
				{Name: "total", Type: query.Integer, OfRow: true},
				{Name: "hosts", Type: query.Texts},
			},
		}},
	}
}

func TestDataPackage(t *testing.T) {
	p := decoded[struct {
		ID, Version, Created string
		Resources            []struct {
			Name, Path string
			Schema     map[string]any
		}
	}](t, string(render.DataPackage(catalogue())))
	if p.ID != "https://parley.test/v1/datapackage.json?as_of=8" || p.Version != "8" || p.Created != "2030-05-05T00:00:00Z" {
		t.Errorf("the package is %+v", p)
	}
	required := map[string]any{"required": true}
	want := map[string]any{
		"fields": []any{
			map[string]any{"name": "id", "type": "string", "constraints": required},
			map[string]any{"name": "number", "type": "integer"},
			map[string]any{"name": "starts_on", "type": "date", "constraints": required},
			map[string]any{"name": "started_at", "type": "datetime", "format": "any"},
			map[string]any{"name": "status", "type": "string", "constraints": map[string]any{"required": true, "enum": []any{"held", "cancelled"}}},
			map[string]any{"name": "place_precision", "type": "string", "constraints": map[string]any{"enum": []any{"city"}}},
			map[string]any{"name": "total", "type": "integer"},
			map[string]any{"name": "hosts", "type": "string"},
		},
		"missingValues": []any{""},
		"primaryKey":    "id",
	}
	if diff := cmp.Diff(want, p.Resources[0].Schema); diff != "" || p.Resources[0].Path != "https://parley.test/v1/rounds.csv?as_of=8" {
		t.Errorf("%s (-want +got):\n%s", p.Resources[0].Path, diff)
	}
}

func TestDataset(t *testing.T) {
	type file struct {
		ID       string `json:"@id"`
		Format   string `json:"encodingFormat"`
		Download string `json:"dcat:downloadURL"`
	}
	type part struct {
		ID       string   `json:"@id"`
		Coverage string   `json:"temporalCoverage"`
		Files    []file   `json:"distribution"`
		DCAT     []string `json:"dcat:distribution"`
	}
	d := decoded[struct {
		part
		Version string
		HasPart []part
	}](t, string(render.Dataset(catalogue())))
	if d.ID != "https://parley.test/v1/dataset.jsonld" || d.Coverage != "2022-02-24/2026-05-31" || d.Version != "8" || len(d.HasPart) != 1 {
		t.Errorf("the data set is %+v", d)
	}
	const csv = "https://parley.test/v1/rounds.csv?as_of=8" // and no citation of it, which is no form of the data
	if diff := cmp.Diff(part{"https://parley.test/v1/rounds", "2022-02-24/2026-05-31", []file{{csv, "text/csv", csv}}, []string{csv}}, d.HasPart[0]); diff != "" {
		t.Errorf("a collection (-want +got):\n%s", diff)
	}
}
