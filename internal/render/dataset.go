package render

import (
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
)

// datasetContext adds DCAT, by which catalogues of data are harvested, to schema.org. What both have a word for is said in both.
const datasetContext = `{"@vocab":"https://schema.org/","dcat":"http://www.w3.org/ns/dcat#","dct":"http://purl.org/dc/terms/","xsd":"http://www.w3.org/2001/XMLSchema#",` +
	`"url":{"@type":"@id"},"license":{"@type":"@id"},"contentUrl":{"@type":"@id"},"dateModified":{"@type":"DateTime"},` +
	`"dct:license":{"@type":"@id"},"dct:modified":{"@type":"xsd:dateTime"},"dcat:startDate":{"@type":"xsd:date"},"dcat:endDate":{"@type":"xsd:date"},` +
	`"dcat:accessURL":{"@type":"@id"},"dcat:downloadURL":{"@type":"@id"},"dcat:mediaType":{"@type":"@id"},"dcat:distribution":{"@type":"@id"},"dct:hasPart":{"@type":"@id"}}`

// DatasetForm is the form of [Dataset], which nothing else has.
var DatasetForm = &Form{Name: JSONLD.Name, Media: JSONLD.Media, Header: JSONLD.Header}

type dataset struct {
	Context       jsontext.Value `json:"@context,omitzero"`
	Type          []string       `json:"@type"`
	ID            string         `json:"@id"`
	Name          string         `json:"name"`
	Title         string         `json:"dct:title"`
	Description   string         `json:"description"`
	Abstract      string         `json:"dct:description"`
	URL           string         `json:"url"`
	License       string         `json:"license"`
	Rights        string         `json:"dct:license"`
	CreditText    string         `json:"creditText"`
	Version       string         `json:"version"`
	DCATVersion   string         `json:"dcat:version"`
	Modified      string         `json:"dateModified,omitempty"`
	DCTModified   string         `json:"dct:modified,omitempty"`
	Coverage      string         `json:"temporalCoverage,omitempty"`
	Temporal      *datasetSpan   `json:"dct:temporal,omitempty"`
	Free          bool           `json:"isAccessibleForFree"`
	Distribution  []datasetFile  `json:"distribution,omitempty"`
	Distributions []string       `json:"dcat:distribution,omitempty"`
	Parts         []dataset      `json:"hasPart,omitempty"`
	PartIDs       []string       `json:"dct:hasPart,omitempty"`
}

type datasetSpan struct {
	Type string `json:"@type"`
	From string `json:"dcat:startDate"`
	To   string `json:"dcat:endDate"`
}

type datasetFile struct {
	Type      []string `json:"@type"`
	ID        string   `json:"@id"`
	Name      string   `json:"name"`
	About     string   `json:"description"`
	Format    string   `json:"encodingFormat"`
	Content   string   `json:"contentUrl"`
	Access    string   `json:"dcat:accessURL"`
	Download  string   `json:"dcat:downloadURL"`
	MediaType string   `json:"dcat:mediaType"`
	License   string   `json:"dct:license"`
}

// Dataset is the data set in the words of schema.org and of DCAT: each collection a part, each form of it a distribution.
func Dataset(c Catalogue) []byte {
	whole := c.dataset(catalogueTitle, catalogueAbout, c.Base+"dataset.jsonld", c.home(), c.From, c.To)
	whole.Context = jsontext.Value(datasetContext)
	whole.distribute(c.file(c.Base+"datapackage.json?as_of="+whole.Version, "datapackage.json", "every collection as CSV, with the schema of its table", "application/json"))
	for _, t := range c.Collections {
		part := c.dataset("Parley: "+t.Name, t.About, c.Base+t.Name, c.Base+t.Name, t.From, t.To)
		for _, f := range t.Forms {
			if f.Cites || f.Live {
				continue // it is about the data, or what comes after the revision
			}
			part.distribute(c.file(c.address(t.Name, f.Name), t.Name+"."+f.Name, f.About, f.Media))
		}
		whole.Parts, whole.PartIDs = append(whole.Parts, part), append(whole.PartIDs, part.ID)
	}
	return append(appendObject(nil, whole), '\n')
}

func (c *Catalogue) dataset(name, about, id, url, from, to string) dataset {
	version := strconv.FormatInt(c.Revision, 10)
	d := dataset{
		Type: []string{"Dataset", "dcat:Dataset"}, ID: id, Name: name, Title: name, Description: about, Abstract: about, URL: url,
		License: c.Licence, Rights: c.Licence, CreditText: c.Attribution, Version: version, DCATVersion: version,
		Modified: c.updated(), DCTModified: c.updated(), Coverage: span(from, to), Free: true,
	}
	if d.Coverage != "" {
		d.Temporal = &datasetSpan{"dct:PeriodOfTime", from, to}
	}
	return d
}

func (d *dataset) distribute(f datasetFile) {
	d.Distribution, d.Distributions = append(d.Distribution, f), append(d.Distributions, f.ID)
}

func (c *Catalogue) file(address, name, about, media string) datasetFile {
	return datasetFile{
		Type: []string{"DataDownload", "dcat:Distribution"}, ID: address, Name: name, About: about, Format: media, Content: address, Access: address,
		Download: address, MediaType: "https://www.iana.org/assignments/media-types/" + media, License: c.Licence,
	}
}
