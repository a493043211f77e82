package main_test

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/VictoriaMetrics/metricsql"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	traces "go.opentelemetry.io/proto/otlp/trace/v1"
	"go.yaml.in/yaml/v3"
	"google.golang.org/protobuf/proto"
)

var administering = regexp.MustCompile(` admin=(\S+)`)

// admin is the admin address of a serve in progress.
func (r *running) admin(t *testing.T) string {
	t.Helper()
	found := administering.FindStringSubmatch(r.log.String())
	if found == nil {
		t.Fatalf("it does not say its admin address: %s", r.log)
	}
	return "http://" + found[1]
}

// text is what is at an address.
func text(t *testing.T, target string) string {
	t.Helper()
	response, err := http.Get(target) //nolint:gosec // our own
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// TestOperator: metrics and profiles are on the admin address, and on no other. What rules and panels in deploy are about is
// what the program tells, names and labels; and what they say is PromQL.
func TestOperator(t *testing.T) {
	r := serve(t, "PARLEY_DATA_DIR="+dataDir(t))
	defer r.stop(t)
	admin := r.admin(t)
	for _, path := range []string{"/metrics", "/debug/pprof/", "/debug/pprof/goroutine", "/debug/pprof/cmdline"} {
		if code := status(t, r.url+path); code != http.StatusNotFound {
			t.Errorf("%s of the public address: status %d", path, code)
		}
		if code := status(t, admin+path); code != http.StatusOK {
			t.Errorf("%s of the admin address: status %d", path, code)
		}
	}
	large, err := http.NewRequestWithContext(t.Context(), http.MethodGet, r.url+"/v1/rounds", nil)
	if err != nil {
		t.Fatal(err)
	}
	large.Header.Set("X-Large", strings.Repeat("x", 40<<10))
	if response, err := http.DefaultClient.Do(large); err != nil || response.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("headers of 40 KiB: %v, %v", response, err)
	} else {
		response.Body.Close()
	}
	for _, path := range []string{"/v1/rounds", "/v1/rounds", "/v1/rounds.csv"} { // so that what is counted by label is there
		status(t, r.url+path)
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(text(t, admin+"/metrics")))
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]map[string]bool{"up": {"job": true, "instance": true}} // which Prometheus itself adds
	for name, family := range families {
		labels := map[string]bool{"job": true, "instance": true, "le": true}
		for _, m := range family.GetMetric() {
			for _, l := range m.GetLabel() {
				labels[l.GetName()] = true
			}
		}
		known[name] = labels
		for _, suffix := range []string{"_bucket", "_sum", "_count"} {
			if m := family.GetMetric()[0]; m.GetHistogram() != nil || m.GetSummary() != nil {
				known[name+suffix] = labels
			}
		}
	}
	used := map[string]bool{}
	all := append(alerts(t, "../../deploy/prometheus/alerts.yaml"), panels(t, "../../deploy/grafana/parley.json")...)
	if len(all) < 40 {
		t.Errorf("only %d expressions are found", len(all))
	}
	for _, text := range all {
		expr, err := metricsql.Parse(strings.NewReplacer("$__rate_interval", "5m", "$job", "parley", "$instance", ".*").Replace(text))
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		of := map[string]bool{} // labels of the metrics in it
		var asked []string
		metricsql.VisitAll(expr, func(e metricsql.Expr) {
			switch e := e.(type) {
			case *metricsql.MetricExpr:
				for _, filters := range e.LabelFilterss {
					name := filters[0].Value
					used[name] = true
					if filters[0].Label != "__name__" || known[name] == nil {
						t.Errorf("%s: there is no metric %s", text, name)
					}
					maps.Copy(of, known[name])
					for _, f := range filters[1:] {
						if !known[name][f.Label] {
							t.Errorf("%s: %s has no label %s", text, name, f.Label)
						}
					}
				}
			case *metricsql.AggrFuncExpr:
				asked = append(asked, e.Modifier.Args...)
			}
		})
		for _, label := range asked {
			if !of[label] {
				t.Errorf("%s: no metric in it has the label %s", text, label)
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(families)) {
		if strings.HasPrefix(name, "parley_") && !used[name] && !used[name+"_bucket"] {
			t.Errorf("%s is in no rule and no panel", name)
		}
	}
}

// alerts are the expressions of alert rules, each of which says what it is about.
func alerts(t *testing.T, path string) (all []string) {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Groups []struct {
			Name  string
			Rules []struct {
				Alert, Expr, For    string
				Labels, Annotations map[string]string
			}
		}
	}
	decoder := yaml.NewDecoder(bytes.NewReader(content))
	decoder.KnownFields(true)
	if err := decoder.Decode(&file); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	for _, group := range file.Groups {
		for _, rule := range group.Rules {
			if rule.Labels["severity"] == "" || rule.Annotations["summary"] == "" || rule.Annotations["description"] == "" {
				t.Errorf("%s does not say how bad it is, what it is and what to do", rule.Alert)
			}
			all = append(all, rule.Expr)
		}
	}
	return all
}

// panels are the expressions of a dashboard.
func panels(t *testing.T, path string) (all []string) {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var board struct {
		Panels []struct {
			Title   string
			Type    string
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal(content, &board); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	for _, p := range board.Panels {
		if p.Type != "row" && len(p.Targets) == 0 {
			t.Errorf("%s shows nothing", p.Title)
		}
		for _, target := range p.Targets {
			all = append(all, target.Expr)
		}
	}
	return all
}

// TestTracing: with OTEL_… set, traces come to a collector by OTLP: the request, the store and its statements.
func TestTracing(t *testing.T) {
	var mu sync.Mutex
	var spans []*traces.Span
	var service, authorization string
	sink := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		var sent collector.ExportTraceServiceRequest
		if err := proto.Unmarshal(body, &sent); err != nil || r.URL.Path != "/v1/traces" {
			t.Errorf("%s: %v", r.URL, err)
		}
		mu.Lock()
		defer mu.Unlock()
		authorization = r.Header.Get("Authorization")
		for _, resource := range sent.GetResourceSpans() {
			for _, a := range resource.GetResource().GetAttributes() {
				if a.GetKey() == "service.name" {
					service = a.GetValue().GetStringValue()
				}
			}
			for _, scope := range resource.GetScopeSpans() {
				spans = append(spans, scope.GetSpans()...)
			}
		}
	}))
	defer sink.Close()
	folder := dataDir(t)
	r := serve(t, "PARLEY_DATA_DIR="+folder, "OTEL_EXPORTER_OTLP_ENDPOINT="+sink.URL, "OTEL_EXPORTER_OTLP_HEADERS=Authorization=secret-of-the-collector",
		"OTEL_SERVICE_NAME=parley-test", "OTEL_BSP_SCHEDULE_DELAY=20")
	status(t, r.url+"/v1/rounds?limit=3")
	find := func(name string) *traces.Span {
		mu.Lock()
		defer mu.Unlock()
		for _, s := range spans {
			if s.GetName() == name {
				return s
			}
		}
		return nil
	}
	for end := time.Now().Add(30 * time.Second); find("GET /v1/rounds") == nil; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("no span of the request comes")
		}
	}
	request, page := find("GET /v1/rounds"), find("store.Page")
	if page == nil || !bytes.Equal(page.GetParentSpanId(), request.GetSpanId()) {
		t.Errorf("the store is not within the request: %v", page)
	}
	r.stop(t)
	mu.Lock()
	defer mu.Unlock()
	if service != "parley-test" || authorization != "secret-of-the-collector" {
		t.Errorf("service %q, Authorization %q", service, authorization)
	}
	if strings.Contains(r.log.String(), "secret-of-the-collector") {
		t.Error("the log shows the secret")
	}
	wantFailure(t, []string{"PARLEY_DATA_DIR=" + folder, "OTEL_EXPORTER_OTLP_ENDPOINT=" + sink.URL, "OTEL_EXPORTER_OTLP_PROTOCOL=grpc"}, []string{"serve"}, "OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")
}

// TestReadiness: a schema that lacks migrations is why the program is not ready; that it lives says nothing of that.
func TestReadiness(t *testing.T) {
	folder := dataDir(t)
	r := serve(t, "PARLEY_DATA_DIR="+folder, "PARLEY_NO_MIGRATE=true", "PARLEY_NO_WEBHOOKS=true")
	defer r.stop(t)
	if body := text(t, r.url+"/readyz"); !strings.Contains(body, "parley migrate up") || !strings.Contains(body, `"status":503`) {
		t.Errorf("an empty database: %s", body)
	}
	if code := status(t, r.url+"/healthz"); code != http.StatusOK {
		t.Errorf("it lives, and says %d", code)
	}
	if out, err := command([]string{"PARLEY_DATA_DIR=" + folder}, "migrate", "up").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if body := text(t, r.url+"/readyz"); !strings.Contains(body, `"status":"ready"`) {
		t.Errorf("a database that is up to date: %s", body)
	}
}
