package render

import (
	"encoding/binary"
	"math"
	"slices"

	"github.com/parley-api/parley/internal/query"
)

// GeoJSON is RFC 7946: a record as a Feature, a list as a FeatureCollection. The geometry is the point of lat and lon, null
// where that is not known; the properties are the rest of the record. A list has the members next and meta of JSON beside.
var GeoJSON = &Form{
	Name:     "geojson",
	Media:    "application/geo+json",
	Header:   "application/geo+json",
	About:    "a layer of a map",
	Of:       Lists | Records,
	Has:      having("lat", "lon"),
	Needs:    []string{"id", "lat", "lon"},
	Complete: true,
	Meta:     true,
	New:      func(s Subject) Encoder { return newFeatures(s) },
}

type features struct {
	list, some   bool
	id, lat, lon int        // columns
	idType       query.Type // of the id
	base         string
	properties   Record
	of           []int // the columns of the properties
}

func newFeatures(s Subject) *features {
	e := &features{list: s.Kind == Lists, id: s.Column("id"), lat: s.Column("lat"), lon: s.Column("lon"), base: s.Base}
	e.idType = s.Columns[e.id].Type
	e.properties.Base = s.Base
	for i, f := range s.Columns {
		if i != e.lat && i != e.lon && s.Shown(i) {
			e.of = append(e.of, i)
			e.properties.Columns = append(e.properties.Columns, f)
		}
	}
	e.properties.Values = make([][]byte, len(e.of))
	return e
}

func (e *features) Begin(b []byte, _ Meta) []byte {
	if e.list {
		b = append(b, `{"type":"FeatureCollection","features":[`...)
	}
	return b
}

func (e *features) Add(b []byte, values [][]byte) []byte {
	if e.some {
		b = append(b, ',')
	}
	e.some = true
	b = append(b, `{"type":"Feature","id":`...)
	b = appendJSONValue(b, e.idType, values[e.id], e.base)
	b = append(b, `,"geometry":`...)
	if lat, lon := values[e.lat], values[e.lon]; lat == nil || lon == nil {
		b = append(b, "null"...)
	} else {
		b = appendDegrees(append(b, `{"type":"Point","coordinates":[`...), lon)
		b = appendDegrees(append(b, ','), lat)
		b = append(b, "]}"...)
	}
	b = append(b, `,"properties":`...)
	for i, column := range e.of {
		e.properties.Values[i] = values[column]
	}
	return append(AppendJSON(b, e.properties), '}')
}

func (e *features) End(b []byte, m Meta) []byte {
	if e.list {
		return appendTail(append(b, "],"...), m)
	}
	return append(b, '\n')
}

func appendDegrees(b []byte, v []byte) []byte {
	return appendNumber(b, math.Float64frombits(binary.BigEndian.Uint64(v)))
}

// having accepts collections with some columns that their records show.
func having(names ...string) func([]query.Field) bool {
	return func(columns []query.Field) bool {
		for _, name := range names {
			if !slices.ContainsFunc(columns, func(f query.Field) bool { return f.Name == name && !f.Hidden }) {
				return false
			}
		}
		return true
	}
}
