// Package api is the contract: the OpenAPI description, written by hand, that the program serves and its tests hold it to.
package api

import (
	_ "embed"
	"encoding/json"
	"sync"

	"go.yaml.in/yaml/v3"
)

// YAML is the contract as it is written.
//
//go:embed openapi.yaml
var YAML []byte

// JSON is the same as JSON, its keys in the same order, converted once.
var JSON = sync.OnceValues(func() ([]byte, error) {
	var document yaml.Node
	if err := yaml.Unmarshal(YAML, &document); err != nil {
		return nil, err
	}
	return appendNode(nil, document.Content[0])
})

func appendNode(b []byte, n *yaml.Node) (_ []byte, err error) {
	switch n.Kind {
	case yaml.MappingNode, yaml.SequenceNode:
		brackets := "{}"
		if n.Kind == yaml.SequenceNode {
			brackets = "[]"
		}
		b = append(b, brackets[0])
		for i, inner := range n.Content {
			switch key := n.Kind == yaml.MappingNode && i%2 == 1; {
			case key:
				b = append(b, ':')
			case i > 0:
				b = append(b, ',')
			}
			if b, err = appendNode(b, inner); err != nil {
				return nil, err
			}
		}
		return append(b, brackets[1]), nil
	}
	var value any
	if err := n.Decode(&value); err != nil {
		return nil, err
	}
	if n.ShortTag() == "!!timestamp" || n.ShortTag() == "!!str" {
		value = n.Value
	}
	text, err := json.Marshal(value)
	return append(b, text...), err
}

// Version is the version of the contract, such as 1.2.0.
func Version() (string, error) {
	var document struct {
		Info struct{ Version string }
	}
	err := yaml.Unmarshal(YAML, &document)
	return document.Info.Version, err
}
