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
