package httpapi_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/parley-api/parley/internal/httpapi"
)

// TestLinkedFiguresNameTheirVoices: whoever reads a figure as linked data reads who said it and where, as in JSON.
func TestLinkedFiguresNameTheirVoices(t *testing.T) {
	s := open(t, httpapi.Options{})
	type claim struct {
		Author, CreditText string
		Appearance         struct {
			ID string `json:"@id"`
		}
	}
	type graph struct {
		DataFeedElement []struct {
			ID           string `json:"@id"`
			SubjectOf    []claim
			Observations []struct {
				UnitText  string
				SubjectOf json.RawMessage
			}
		}
	}
	for _, name := range []string{"published-totals", "reports"} {
		type record struct {
			ID, Source    string
			Party, SaidBy *string
			Sources       []struct{ ID string }
		}
		records := decode[struct{ Data []record }](t, bytes.ReplaceAll(s.get(t, "/v1/"+name+"?limit=500&sort=id", http.StatusOK).body, []byte(`"said_by"`), []byte(`"SaidBy"`))).Data
		linked := decode[graph](t, s.get(t, "/v1/"+name+".jsonld?limit=500&sort=id", http.StatusOK).body).DataFeedElement
		if len(records) < 20 || len(records) != len(linked) {
			t.Fatalf("%s: %d records, %d as linked data", name, len(records), len(linked))
		}
		for i, r := range records {
			var want []claim
			ids := []string{r.Source}
			if r.Source == "" {
				ids = nil
				for _, source := range r.Sources {
					ids = append(ids, source.ID)
				}
			}
			for _, id := range ids {
				var c claim
				if r.Party != nil {
					c.Author = s.url + "/v1/parties/" + *r.Party
				}
				if r.SaidBy != nil {
					c.CreditText = *r.SaidBy
				}
				c.Appearance.ID = s.url + "/v1/sources/" + id
				want = append(want, c)
			}
			if diff := cmp.Diff(want, linked[i].SubjectOf); diff != "" || len(want) == 0 {
				t.Errorf("%s (-said +linked): %s", linked[i].ID, diff)
			}
		}
	}
	for _, name := range []string{"prisoner-exchanges", "body-repatriations"} {
		for _, one := range decode[graph](t, s.get(t, "/v1/"+name+".jsonld?limit=500", http.StatusOK).body).DataFeedElement {
			for _, o := range one.Observations {
				if o.SubjectOf == nil {
					t.Errorf("%s: a figure in %s is nobody's", one.ID, o.UnitText)
				}
			}
		}
	}
}
