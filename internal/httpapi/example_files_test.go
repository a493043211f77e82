package httpapi_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/parley-api/parley/internal/httpapi"
)

// TestExampleFiles: every address in the files under examples answers, with the fields that they use.
func TestExampleFiles(t *testing.T) {
	s := open(t, httpapi.Options{})
	t.Run("grafana-dashboard.json", func(t *testing.T) {
		dashboard, err := os.ReadFile("../../examples/grafana-dashboard.json")
		if err != nil {
			t.Fatal(err)
		}
		var parsed any
		if err := json.Unmarshal(dashboard, &parsed); err != nil {
			t.Fatal(err)
		}
		asked := targetsIn(t, s, parsed)
		if written := strings.Count(string(dashboard), "${base}/v1"); asked != written || asked < 8 {
			t.Errorf("%d addresses were asked, %d are written", asked, written)
		}
	})
	t.Run("pandas.ipynb", func(t *testing.T) { notebook(t, s, "../../examples/pandas.ipynb") })
}

// targetsIn asks every query of the data source Infinity that is somewhere in a dashboard, and counts them. A column must be known
// in some record, but for those of totals, which may all be unknown.
func targetsIn(t *testing.T, s *site, node any) (asked int) {
	t.Helper()
	switch node := node.(type) {
	case []any:
		for _, element := range node {
			asked += targetsIn(t, s, element)
		}
	case map[string]any:
		if address, ok := node["url"].(string); ok && node["columns"] != nil {
			path, _ := strings.CutPrefix(address, "${base}")
			records, _ := decode[map[string]any](t, s.ask(t, path).body)[node["root_selector"].(string)].([]any)
			if len(records) == 0 {
				t.Errorf("%s has nothing at %v", address, node["root_selector"])
				return 1
			}
			for _, column := range node["columns"].([]any) {
				if err := readable(records, column.(map[string]any)); err != nil {
					t.Errorf("%s: %v", address, err)
				}
			}
			return 1
		}
		for _, member := range node {
			asked += targetsIn(t, s, member)
		}
	}
	return asked
}

// readable reports whether the data source reads a column of records as what its type says, and finds something. Panels of time series
// need a column that is called time, known in every record and in order.
func readable(records []any, column map[string]any) error {
	selector, kind, known, last := column["selector"].(string), column["type"].(string), 0, ""
	for _, record := range records {
		value := record.(map[string]any)[selector]
		text, isText := value.(string)
		_, isNumber := value.(float64)
		_, err := time.Parse(time.DateOnly, text)
		switch {
		case value == nil && column["text"] == "time":
			return fmt.Errorf("a record has no %s", selector)
		case value == nil:
			continue
		case kind == "number" && !isNumber, kind == "string" && !isText, kind == "timestamp" && err != nil:
			return fmt.Errorf("%s is %v, which is no %s", selector, value, kind)
		case column["text"] == "time" && text < last:
			return fmt.Errorf("%s is %s after %s", selector, text, last)
		}
		known, last = known+1, text
	}
	if known == 0 {
		return fmt.Errorf("no record has %s", selector)
	}
	return nil
}

var (
	addressInCode = regexp.MustCompile(`f"\{BASE\}(/[^"]*)"`)
	fieldInCode   = regexp.MustCompile(`"([a-z_]+)"`)
)

// notebook asks every address in the code of a notebook. Every other word in quotation marks there is a column of one of them, or
// one that the notebook itself makes or names.
func notebook(t *testing.T, s *site, file string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	own := []string{"direction"}
	columns := map[string]bool{}
	var used []string
	asked := 0
	for _, cell := range decode[struct {
		Cells []struct {
			Type   string `json:"cell_type"`
			Source []string
		}
	}](t, text).Cells {
		if cell.Type != "code" {
			continue
		}
		code := strings.Join(cell.Source, "")
		for _, match := range addressInCode.FindAllStringSubmatch(code, -1) {
			asked++
			a := s.get(t, strings.ReplaceAll(match[1], "{revision}", "1"), http.StatusOK)
			if !strings.HasPrefix(a.response.Header.Get("Content-Type"), "text/csv") {
				continue
			}
			header, err := csv.NewReader(bytes.NewReader(a.body)).Read()
			if err != nil {
				t.Fatal(match[1], err)
			}
			for _, name := range header {
				columns[name] = true
			}
		}
		for _, match := range fieldInCode.FindAllStringSubmatch(addressInCode.ReplaceAllString(code, ""), -1) {
			used = append(used, match[1])
		}
	}
	if asked != strings.Count(string(text), "{BASE}") || asked < 5 || len(used) < 20 {
		t.Errorf("%d addresses were asked and %d columns found", asked, len(used))
	}
	for _, name := range used {
		if !columns[name] && !slices.Contains(own, name) {
			t.Errorf("no answer has the column %s", name)
		}
	}
}
