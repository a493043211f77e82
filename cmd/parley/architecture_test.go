package main_test

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/parley-api/parley/"

// imports says which of our packages each of our packages may import.
var imports = map[string][]string{
	"api":                {},
	"api/client":         {"internal/talks"},
	"cmd/parley":         {"api", "internal/apikey", "internal/config", "internal/conns", "internal/dataset", "internal/httpapi", "internal/postgres", "internal/query", "internal/record", "internal/store", "internal/tracing", "internal/webhook"},
	"cmd/parley-bench":   {"internal/apikey", "internal/config", "internal/postgres", "internal/query", "internal/record", "internal/store"},
	"cmd/parley-cluster": {"api/client"},
	"internal/apikey":    {},
	"internal/chart":     {},
	"internal/config":    {},
	"internal/conns":     {},
	"internal/dataset":   {"internal/query", "internal/record"},
	"internal/httpapi":   {"api", "internal/chart", "internal/query", "internal/record", "internal/render", "internal/store", "internal/talks", "internal/web", "internal/webhook"},
	"internal/pgtest":    {"internal/postgres"},
	"internal/postgres":  {"migrations"},
	"internal/query":     {},
	"internal/record":    {"internal/query", "internal/talks"},
	"internal/render":    {"internal/query"},
	"internal/store":     {"internal/apikey", "internal/query", "internal/record", "internal/talks"},
	"internal/talks":     {},
	"internal/tracing":   {},
	"internal/web":       {"internal/chart", "internal/query", "internal/talks"},
	"internal/webhook":   {"internal/query", "internal/render", "internal/store"},
	"migrations":         {},
}

// modules are what the program is built with beside the standard library, and why.
var modules = map[string]string{
	"code.dny.dev/ssrf":                                               "which addresses are not on the public internet, by IANA's registries",
	"git.sr.ht/~sbinet/gg":                                            "pictures of charts: lines, dashes, circles",
	"github.com/KimMachineGun/automemlimit":                           "GOMEMLIMIT from the cgroup, of both versions",
	"github.com/agnivade/levenshtein":                                 "the nearest name in errors",
	"github.com/alecthomas/kong":                                      "flags, environment, subcommands",
	"github.com/andybalholm/brotli":                                   "of parquet-go",
	"github.com/beorn7/perks":                                         "of client_golang",
	"github.com/cenkalti/backoff/v5":                                  "of the OTLP exporter",
	"github.com/cespare/xxhash/v2":                                    "of client_golang",
	"github.com/elnormous/contenttype":                                "the header Accept",
	"github.com/exaring/otelpgx":                                      "spans of SQL statements",
	"github.com/go-chi/chi/v5":                                        "routes",
	"github.com/go-chi/httprate":                                      "requests counted in a sliding window",
	"github.com/go-json-experiment/json":                              "JSON strings appended to bytes",
	"github.com/go-logr/logr":                                         "of OpenTelemetry",
	"github.com/go-logr/stdr":                                         "of OpenTelemetry",
	"github.com/golang/freetype":                                      "of gg: edges drawn smoothly",
	"github.com/google/uuid":                                          "of parquet-go",
	"github.com/grpc-ecosystem/grpc-gateway/v2":                       "of the OTLP exporter",
	"github.com/jackc/pgpassfile":                                     "of pgx",
	"github.com/jackc/pgservicefile":                                  "of pgx",
	"github.com/jackc/pgx/v5":                                         "PostgreSQL",
	"github.com/jackc/puddle/v2":                                      "of pgx",
	"github.com/klauspost/compress":                                   "gzip and zstd",
	"github.com/klauspost/cpuid/v2":                                   "of httprate",
	"github.com/maypok86/otter/v2":                                    "finished answers kept, bounded in bytes, by how often they are used",
	"github.com/mfridman/interpolate":                                 "of goose",
	"github.com/mitchellh/colorstring":                                "of progressbar",
	"github.com/munnerz/goautoneg":                                    "of client_golang",
	"github.com/parquet-go/bitpack":                                   "of parquet-go",
	"github.com/parquet-go/jsonlite":                                  "of parquet-go",
	"github.com/parquet-go/parquet-go":                                "Parquet: pages, encodings, statistics and the footer, which nobody writes by hand",
	"github.com/pbnjay/memory":                                        "of automemlimit",
	"github.com/pierrec/lz4/v4":                                       "of parquet-go",
	"github.com/pressly/goose/v3":                                     "migrations",
	"github.com/prometheus/client_golang":                             "metrics as Prometheus reads them",
	"github.com/prometheus/client_model":                              "of client_golang",
	"github.com/prometheus/common":                                    "of client_golang",
	"github.com/prometheus/procfs":                                    "of client_golang: memory, files and processor time of the process",
	"github.com/realclientip/realclientip-go":                         "the client behind proxies, from X-Forwarded-For or Forwarded",
	"github.com/riverqueue/river":                                     "the queue of deliveries, in PostgreSQL",
	"github.com/riverqueue/river/riverdriver":                         "of river",
	"github.com/riverqueue/river/riverdriver/riverpgxv5":              "of river: over pgx",
	"github.com/riverqueue/river/rivershared":                         "of river",
	"github.com/riverqueue/river/rivertype":                           "of river",
	"github.com/rivo/uniseg":                                          "of progressbar",
	"github.com/schollz/progressbar/v3":                               "progress of long imports and exports",
	"github.com/sethvargo/go-retry":                                   "of goose",
	"github.com/standard-webhooks/standard-webhooks/libraries":        "signatures of webhooks",
	"github.com/swaggest/swgui":                                       "the interactive documentation, offline",
	"github.com/tidwall/gjson":                                        "of river",
	"github.com/tidwall/match":                                        "of river",
	"github.com/tidwall/pretty":                                       "of river",
	"github.com/tidwall/sjson":                                        "of river",
	"github.com/twpayne/go-geom":                                      "of parquet-go",
	"github.com/vearutop/statigz":                                     "of swgui",
	"github.com/zeebo/xxh3":                                           "of httprate",
	"go.opentelemetry.io/auto/sdk":                                    "of OpenTelemetry",
	"go.opentelemetry.io/otel":                                        "traces: attributes, propagation, the names that they are to have",
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace":               "of the OTLP exporter",
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp": "traces sent, by HTTP",
	"go.opentelemetry.io/otel/log":                                    "of OpenTelemetry",
	"go.opentelemetry.io/otel/metric":                                 "of OpenTelemetry",
	"go.opentelemetry.io/otel/sdk":                                    "traces gathered, sampled and sent in batches",
	"go.opentelemetry.io/otel/trace":                                  "spans",
	"go.opentelemetry.io/proto/otlp":                                  "of the OTLP exporter",
	"go.uber.org/multierr":                                            "of goose",
	"go.yaml.in/yaml/v3":                                              "files of data sets; the contract as JSON",
	"golang.org/x/image":                                              "letters in pictures of charts: the Go fonts, measured and drawn",
	"golang.org/x/net":                                                "of the OTLP exporter",
	"golang.org/x/sync":                                               "errgroup",
	"golang.org/x/sys":                                                "of term",
	"golang.org/x/term":                                               "is it a terminal? for colours and progress",
	"golang.org/x/text":                                               "of pgx; which way a text is written",
	"google.golang.org/genproto/googleapis/api":                       "of the OTLP exporter",
	"google.golang.org/genproto/googleapis/rpc":                       "of the OTLP exporter",
	"google.golang.org/grpc":                                          "of the OTLP exporter: the types of its messages need it, nothing speaks it",
	"google.golang.org/protobuf":                                      "of parquet-go",
}

type goPackage struct {
	ImportPath string
	Standard   bool
	Imports    []string
	Module     *struct{ Path string }
}

func list(t *testing.T, args ...string) []goPackage {
	t.Helper()
	cmd := exec.Command("go", append([]string{"list", "-json=ImportPath,Standard,Imports,Module"}, args...)...)
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var all []goPackage
	for decoder := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p goPackage
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}

// TestImportsGoOneWay holds the packages to the picture of the house.
func TestImportsGoOneWay(t *testing.T) {
	for _, p := range list(t, module+"...") {
		name := strings.TrimPrefix(p.ImportPath, module)
		allowed, known := imports[name]
		if !known {
			t.Errorf("%s is not in the picture of the house: say in imports what it may import, and in the README what it is", name)
		}
		for _, path := range p.Imports {
			ours, ok := strings.CutPrefix(path, module)
			if ok && !slices.Contains(allowed, ours) {
				t.Errorf("%s imports %s", name, ours)
			}
			standard := !strings.Contains(strings.Split(path, "/")[0], ".")
			if slices.Contains([]string{"internal/talks", "api/client"}, name) && !ok && !standard {
				t.Errorf("%s imports %s: of others it may use the standard library only", name, path)
			}
		}
	}
}

// TestModules holds the program to the list of modules: another one needs a reason.
func TestModules(t *testing.T) {
	used := map[string]bool{}
	for _, p := range list(t, "-deps", module+"cmd/parley") {
		if p.Standard || p.Module == nil || strings.HasPrefix(p.ImportPath, module) {
			continue
		}
		used[p.Module.Path] = true
		if modules[p.Module.Path] == "" {
			t.Errorf("%s (for %s) is not in the list of modules", p.Module.Path, p.ImportPath)
		}
	}
	for path := range modules {
		if !used[path] {
			t.Errorf("%s is in the list of modules and not used", path)
		}
	}
}
