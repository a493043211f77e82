package web

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"path"
	"strings"

	"github.com/parley-api/parley/internal/chart"
)

//go:embed assets/*
var assets embed.FS

// Asset is a file that pages load. Its name changes with its contents, so that it may be kept for ever.
type Asset struct {
	Name string
	Type string
	Body []byte
}

// load reads the files of the program. The style sheet is put together from its parts, two of which charts are painted by.
func (s *Site) load() {
	parts := map[string]string{}
	for _, name := range names(assets, "assets") {
		body, err := assets.ReadFile("assets/" + name)
		if err != nil {
			panic(err) // a file of the program
		}
		if path.Ext(name) == ".css" {
			parts[name] = string(body)
		} else {
			s.add(name, body)
		}
	}
	s.painter = chart.NewPainter(parts["tokens.css"], parts["chart.css"])
	s.add("parley.css", []byte(parts["tokens.css"]+s.painter.Themes()+parts["chart.css"]+parts["parley.css"]))
}

func (s *Site) add(name string, body []byte) {
	types := map[string]string{".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
	sum, ext := sha256.Sum256(body), path.Ext(name)
	s.files[name] = Asset{Name: strings.TrimSuffix(name, ext) + "." + hex.EncodeToString(sum[:6]) + ext, Type: types[ext], Body: body}
}

// Asset finds a file by the name that pages load it by, also by that of another version of the program.
func (s *Site) Asset(name string) (Asset, bool) {
	stem, ext := strings.TrimSuffix(name, path.Ext(name)), path.Ext(name)
	a, ok := s.files[strings.TrimSuffix(stem, path.Ext(stem))+ext]
	return a, ok
}
