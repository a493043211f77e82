package httpapi

import (
	"net/http"

	"github.com/swaggest/swgui/v5emb"

	"github.com/parley-api/parley/api"
)

// docs is the contract to read and try in a browser. All that it needs is in the program.
func docs() http.HandlerFunc {
	return v5emb.New("Parley API", "/openapi.json", "/docs/").ServeHTTP
}

func (s *server) openapiYAML(w http.ResponseWriter, _ *http.Request) error {
	w.Header().Set("Content-Type", "application/yaml")
	w.Header().Set("Cache-Control", cacheable)
	return send(w, api.YAML)
}

func (s *server) openapiJSON(w http.ResponseWriter, _ *http.Request) error {
	body, err := api.JSON()
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", cacheable)
	return send(w, body)
}
