// Package api is the contract: the OpenAPI description, written by hand, that the program serves and its tests hold it to.
package api

import (
	_ "embed"
	"sync"

	"github.com/goccy/go-yaml"
)

// YAML is the contract as it is written.
//
//go:embed openapi.yaml
var YAML []byte

// JSON is the same as JSON, converted once.
var JSON = sync.OnceValues(func() ([]byte, error) { return yaml.YAMLToJSON(YAML) })
