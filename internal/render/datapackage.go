package render

import (
	"strconv"

	"github.com/parley-api/parley/internal/query"
)

// DataPackageForm is the form of [DataPackage], which nothing else has.
var DataPackageForm = &Form{Name: "json", Media: "application/json", Header: "application/json"}

type dataPackage struct {
	Profile      string            `json:"profile"`
	Name         string            `json:"name"`
	ID           string            `json:"id"`
	Title        string            `json:"title"`
	Description  string            `json:"description"`
	Homepage     string            `json:"homepage"`
	Version      string            `json:"version"`
	Created      string            `json:"created,omitempty"`
	Licenses     []packageLicence  `json:"licenses"`
	Contributors []packageTitled   `json:"contributors"`
	Sources      []packageTitled   `json:"sources"`
	Resources    []packageResource `json:"resources"`
}

type packageLicence struct {
	Name  string `json:"name"`
	Path  string `json:"path"`
	Title string `json:"title"`
}

type packageTitled struct {
	Title string `json:"title"`
	Path  string `json:"path,omitempty"`
}

type packageResource struct {
	Profile     string        `json:"profile"`
	Name        string        `json:"name"`
	Path        string        `json:"path"`
	Description string        `json:"description"`
	Format      string        `json:"format"`
	Mediatype   string        `json:"mediatype"`
	Encoding    string        `json:"encoding"`
	Schema      packageSchema `json:"schema"`
}

type packageSchema struct {
	Fields        []packageField `json:"fields"`
	MissingValues []string       `json:"missingValues"`
	PrimaryKey    string         `json:"primaryKey,omitempty"`
}

type packageField struct {
	Name        string              `json:"name"`
	Type        string              `json:"type"`
	Format      string              `json:"format,omitempty"`
	Constraints *packageConstraints `json:"constraints,omitempty"`
}

type packageConstraints struct {
	Required bool     `json:"required,omitzero"`
	Enum     []string `json:"enum,omitempty"`
}

// DataPackage is the data set as a Data Package (Frictionless, version 1): every collection a table with its schema.
func DataPackage(c Catalogue) []byte {
	p := dataPackage{
		Profile: "tabular-data-package", Name: "parley", ID: c.Permalink, Title: catalogueTitle, Description: catalogueAbout,
		Homepage: c.home(), Version: strconv.FormatInt(c.Revision, 10), Created: c.updated(),
		Licenses:     []packageLicence{{"CC-BY-4.0", c.Licence, "Creative Commons Attribution 4.0"}},
		Contributors: []packageTitled{{Title: c.Attribution}},
		Sources:      []packageTitled{{"The pages that the records cite", c.address("sources", CSV.Name)}},
	}
	for _, t := range c.Collections {
		r := packageResource{
			Profile: "tabular-data-resource", Name: t.Name, Path: c.address(t.Name, CSV.Name), Description: t.About,
			Format: "csv", Mediatype: CSV.Media, Encoding: "utf-8", Schema: packageSchema{MissingValues: []string{""}},
		}
		if t.Single {
			r.Schema.PrimaryKey = "id"
		}
		for _, f := range t.Columns {
			r.Schema.Fields = append(r.Schema.Fields, tableField(f))
		}
		p.Resources = append(p.Resources, r)
	}
	return append(appendObject(nil, p), '\n')
}

// tableField describes a column of CSV. A column of the rows that a record has several of is empty where it has none.
func tableField(f query.Field) packageField {
	p := packageField{Name: f.Name, Type: "string"}
	switch f.Type {
	case query.Integer:
		p.Type = "integer"
	case query.Number:
		p.Type = "number"
	case query.Boolean:
		p.Type = "boolean"
	case query.Date:
		p.Type = "date"
	case query.Time, query.LocalTime:
		p.Type, p.Format = "datetime", "any"
	case query.Scalar:
		p.Type = "any"
	case query.Link:
		p.Format = "uri"
	}
	c := packageConstraints{Required: !f.Nullable && !f.OfRow && f.Type != query.Texts && f.Type != query.Prose}
	if f.Type == query.Enum {
		c.Enum = f.Values
	}
	if c.Required || c.Enum != nil {
		p.Constraints = &c
	}
	return p
}
