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
