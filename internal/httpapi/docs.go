package httpapi

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/url"
	"regexp"

	"github.com/swaggest/swgui"
	"github.com/swaggest/swgui/v5emb"

	"github.com/parley-api/parley/api"
)

// docs is the contract to read and try in a browser. All that it needs is in the program.
func docs() http.HandlerFunc {
	const at = "/docs/"
	ui := v5emb.NewHandlerWithConfig(swgui.Config{
		Title: "Parley API", SwaggerJSON: "/openapi.json", BasePath: at,
		// What is tried is asked of the server that the docs are from, whichever the contract names.
		SettingsUI: map[string]string{"requestInterceptor": `function (request) {
				var to = new URL(request.url, location.href);
				request.url = location.origin + to.pathname + to.search;
				return request;
			}`},
	})
	var page foreseen
	ui.ServeHTTP(&page, &http.Request{Method: http.MethodGet, URL: &url.URL{Path: at}})
	policy := "default-src 'none'; script-src 'self'" + hashes("script", page.Bytes()) + "; style-src 'self'" + hashes("style", page.Bytes()) +
		"; img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
	return func(w http.ResponseWriter, r *http.Request) {
		secure(w.Header(), r.URL.Path)
		w.Header().Set("Content-Security-Policy", policy)
		w.Header().Del("Content-Type") // the page and its files know it
		ui.ServeHTTP(w, r)
	}
}

// hashes allow what a page has within the elements of a name, and nothing else without a source.
func hashes(element string, page []byte) string {
	text := ""
	for _, match := range regexp.MustCompile(`(?s)<`+element+`>(.*?)</`+element+`>`).FindAllSubmatch(page, -1) {
		sum := sha256.Sum256(match[1])
		text += " 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
	}
	return text
}

// foreseen is an answer that is looked at before anybody asks.
type foreseen struct {
	bytes.Buffer
	header http.Header
}

func (k *foreseen) Header() http.Header {
	if k.header == nil {
		k.header = http.Header{}
	}
	return k.header
}

func (k *foreseen) WriteHeader(int) {}

// documentation serves the docs. What is not there is a problem, as everywhere.
func (s *server) documentation(w http.ResponseWriter, r *http.Request) error {
	found := &unlessMissing{ResponseWriter: w}
	s.docs(found, r)
	if found.missing {
		return s.notFound(w, r)
	}
	return nil
}

// unlessMissing passes an answer on, unless it is that there is nothing.
type unlessMissing struct {
	http.ResponseWriter
	missing bool
}

func (u *unlessMissing) WriteHeader(status int) {
	if u.missing = status == http.StatusNotFound; !u.missing {
		u.ResponseWriter.WriteHeader(status)
	}
}

func (u *unlessMissing) Write(body []byte) (int, error) {
	if u.missing {
		return len(body), nil
	}
	return u.ResponseWriter.Write(body)
}

func (s *server) openapiYAML(w http.ResponseWriter, r *http.Request) error {
	return static(w, r, "application/yaml", api.YAML)
}

func (s *server) openapiJSON(w http.ResponseWriter, r *http.Request) error {
	body, err := api.JSON()
	if err != nil {
		return err
	}
	return static(w, r, "application/json", body)
}
