package talks

// Provenance ends every record that states facts: where it is from, who gave which of its figures, and when it last changed.
type Provenance struct {
	Sources []Citation    `json:"sources"`
	Reports []FigureGiven `json:"reports"`
	Recorded
}

// Recorded says which changeset last changed a record or one of its parts, and when that was.
type Recorded struct {
	Revision   int64  `json:"revision"`
	RecordedAt string `json:"recorded_at"`
}

// Citation is a source as the records that cite it show it.
type Citation struct {
	ID          string  `json:"id"`
	Publisher   string  `json:"publisher"`
	URL         *string `json:"url"` // of the page
	PublishedOn *string `json:"published_on"`
}

// FigureGiven is a value that someone gave for a figure of the record that shows it.
type FigureGiven struct {
	Field     string  `json:"field"`     // such as transfers.RU-UA.total; other: the note says what
	Value     any     `json:"value"`     // a number, or a text: a date, a time, a name
	Qualifier string  `json:"qualifier"` // one of ReportQualifiers
	Party     *string `json:"party"`     // whose figure it is; nil for an outlet's own or an unnamed source
	SaidBy    *string `json:"said_by"`   // a person's id, or the name of an official or a body
	Source    string  `json:"source"`    // id
	Note      *string `json:"note"`      // wording, scope, date, carrier
}

// Report is a reported value with the record that it is about.
type Report struct {
	ID         string `json:"id"`
	URL        string `json:"url"`
	Collection string `json:"collection"`
	Record     string `json:"record"`
	FigureGiven
	Recorded
}

// Source is a page that records cite.
type Source struct {
	ID                 string  `json:"id"`
	URL                *string `json:"url"`       // of the page
	Publisher          string  `json:"publisher"` // "X, via Y": a text of X carried by Y
	Title              string  `json:"title"`
	TitleIsDescriptive bool    `json:"title_is_descriptive"` // no headline was available: the title is our description
	PublishedOn        *string `json:"published_on"`
	Language           string  `json:"language"` // ISO 639-1
	Kind               string  `json:"kind"`     // one of SourceKinds
	CitedBy            []Ref   `json:"cited_by"`
	Recorded
}

// Ref names a record of any collection.
type Ref struct {
	Collection string `json:"collection"`
	ID         string `json:"id"`
}

// Event is a dated happening in the timeline.
type Event struct {
	ID             string        `json:"id"`
	URL            string        `json:"url"` // of the record
	Date           string        `json:"date"`
	EndsOn         string        `json:"ends_on"`
	DatePrecision  string        `json:"date_precision"` // one of DatePrecisions
	Type           string        `json:"type"`           // one of EventTypes
	PLOVER         *string       `json:"plover"`         // see EventCodes
	CAMEO          *string       `json:"cameo"`
	Collection     string        `json:"collection"`
	Record         string        `json:"record"`
	Round          *string       `json:"round"`
	Title          string        `json:"title"`
	Place          *string       `json:"place"`
	Country        *string       `json:"country"`
	Lat            *float64      `json:"lat"`
	Lon            *float64      `json:"lon"`
	PlacePrecision *string       `json:"place_precision"`
	Parties        []string      `json:"parties"`
	Figures        []EventFigure `json:"figures"`      // the numbers that it is about
	FiguresFrom    *string       `json:"figures_from"` // the party whose figures these are; nil: the best-supported ones
	Sources        []string      `json:"sources"`      // ids
	Recorded
}

// EventFigure is a number that an event is about: people or bodies that went one way, or what was proposed, promised or
// claimed.
type EventFigure struct {
	From      *string `json:"from"`
	To        *string `json:"to"`
	Value     *int    `json:"value"`
	Qualifier string  `json:"qualifier"` // one of Qualifiers
	Unit      string  `json:"unit"`      // one of Units
}

// Found is a record that a search through all records finds.
type Found struct {
	ID      string  `json:"id"`
	URL     string  `json:"url"`
	Type    string  `json:"type"` // the collection
	Record  string  `json:"record"`
	Title   string  `json:"title"`
	Snippet string  `json:"snippet"` // HTML: escaped text with the words found in <mark>
	Rank    float64 `json:"rank"`    // of relevance: greater is better
	Recorded
}

// Changeset is a revision of the data set.
type Changeset struct {
	ID         int64  `json:"id"`
	URL        string `json:"url"`
	Author     string `json:"author"`
	Message    string `json:"message"`
	RecordedAt string `json:"recorded_at"`
}

// Change is what a changeset did to one record. A deleted record is still read with as_of.
type Change struct {
	ID         int64  `json:"id"` // place in the feed
	URL        string `json:"url"`
	Revision   int64  `json:"revision"` // the changeset
	RecordedAt string `json:"recorded_at"`
	Author     string `json:"author"`
	Message    string `json:"message"`
	Op         string `json:"op"` // one of ChangeOps
	Collection string `json:"collection"`
	Record     string `json:"record"`
}

// Coverage says how far the records of a collection reach.
type Coverage struct {
	ID         string  `json:"id"`
	URL        string  `json:"url"`
	Collection string  `json:"collection"`
	Year       *int    `json:"year"` // nil: holds for the collection as a whole
	StartsOn   string  `json:"starts_on"`
	EndsOn     string  `json:"ends_on"`
	Missing    *string `json:"missing"` // nil: no gap is known
	Recorded
}
