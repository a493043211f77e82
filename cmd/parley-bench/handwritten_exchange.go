package main

import (
	"time"

	"github.com/jackc/pgx/v5"
)

// exchangeDocument is an exchange as JSON shows it. What is not of its own row is filled in afterwards.
type exchangeDocument struct {
	ID             string     `json:"id"`
	URL            string     `json:"url" db:"-"`
	Date           string     `json:"date"`
	SequenceNote   *string    `json:"sequence_note"`
	Place          *string    `json:"place"`
	Country        *string    `json:"country"`
	Lat            *float64   `json:"lat"`
	Lon            *float64   `json:"lon"`
	PlacePrecision *string    `json:"place_precision"`
	Transfers      []transfer `json:"transfers" db:"-"`
	Mediators      []string   `json:"mediators" db:"-"`
	Categories     []string   `json:"categories" db:"-"`
	Commitment     *string    `json:"commitment"`
	Summary        string     `json:"summary"`
	Note           *string    `json:"note"`
	FiguresFrom    *string    `json:"figures_from" db:"-"`
	Sources        []source   `json:"sources" db:"-"`
	Reports        []report   `json:"reports" db:"-"`
	Revision       int64      `json:"revision"`
	RecordedAt     time.Time  `json:"recorded_at"`
}

const exchangeSQL = `select x.id, x.date::text, x.sequence_note, x.place, x.country, x.lat, x.lon, x.place_precision::text, x.commitment, x.summary, x.note, x.revision, c.recorded_at
	from prisoner_exchanges x join changesets c on c.id = x.revision`

// The parts of records; each row begins with the record that it is of.
type (
	transfer struct {
		Owner           string `json:"-"`
		From            string `json:"from"`
		To              string `json:"to"`
		Total           *int32 `json:"total"`
		TotalLow        *int32 `json:"total_low"`
		TotalHigh       *int32 `json:"total_high"`
		TotalStatus     string `json:"total_status"`
		Pows            *int32 `json:"pows"`
		PowsLow         *int32 `json:"pows_low"`
		PowsHigh        *int32 `json:"pows_high"`
		PowsStatus      string `json:"pows_status"`
		Civilians       *int32 `json:"civilians"`
		CiviliansLow    *int32 `json:"civilians_low"`
		CiviliansHigh   *int32 `json:"civilians_high"`
		CiviliansStatus string `json:"civilians_status"`
	}
	source struct {
		Owner       string  `json:"-"`
		ID          string  `json:"id"`
		Publisher   string  `json:"publisher"`
		URL         *string `json:"url"`
		PublishedOn *string `json:"published_on"`
	}
	report struct {
		Owner     string  `json:"-"`
		Field     string  `json:"field"`
		Number    *int32  `json:"-"`
		Text      *string `json:"-"`
		Value     any     `json:"value" db:"-"`
		Qualifier string  `json:"qualifier"`
		Party     *string `json:"party"`
		SaidBy    *string `json:"said_by"`
		Source    string  `json:"source"`
		Note      *string `json:"note"`
	}
	text struct{ Owner, Value string }
)

// exchangeParts are the parts of some exchanges.
type exchangeParts struct {
	transfers             []transfer
	mediators, categories []text
	sources               []source
	reports               []report
}

func (p *exchangeParts) queue(batch *pgx.Batch, ids []string) {
	collect(batch, &p.transfers, `select prisoner_exchange, from_party, to_party, total, total_low, total_high, total_status::text, pows, pows_low, pows_high, pows_status::text,
		civilians, civilians_low, civilians_high, civilians_status::text
		from prisoner_exchange_transfers where prisoner_exchange = any($1::text[]) order by prisoner_exchange, position`, ids)
	collect(batch, &p.mediators, "select prisoner_exchange, party from prisoner_exchange_mediators where prisoner_exchange = any($1::text[]) order by prisoner_exchange, position", ids)
	collect(batch, &p.categories, "select prisoner_exchange, category::text from prisoner_exchange_categories where prisoner_exchange = any($1::text[]) order by prisoner_exchange, position", ids)
	collect(batch, &p.sources, `select l.prisoner_exchange, s.id, s.publisher, s.url, s.published_on::text from prisoner_exchange_sources l join sources s on s.id = l.source
		where l.prisoner_exchange = any($1::text[]) order by l.prisoner_exchange, l.position`, ids)
	collect(batch, &p.reports, `select prisoner_exchange, field, value_number, value_text, qualifier::text, party, coalesce(said_by_person, said_by_name), source, note
		from reports where prisoner_exchange = any($1::text[]) order by prisoner_exchange, position`, ids)
}

// give hands its parts to each exchange.
func (p *exchangeParts) give(exchanges []exchangeDocument, base string) {
	at := make(map[string]*exchangeDocument, len(exchanges))
	for i := range exchanges {
		x := &exchanges[i]
		at[x.ID] = x
		x.URL, x.RecordedAt = base+"/v1/prisoner-exchanges/"+x.ID, x.RecordedAt.UTC()
		x.Transfers, x.Mediators, x.Categories, x.Sources, x.Reports = []transfer{}, []string{}, []string{}, []source{}, []report{}
	}
	for _, t := range p.transfers {
		at[t.Owner].Transfers = append(at[t.Owner].Transfers, t)
	}
	for _, m := range p.mediators {
		at[m.Owner].Mediators = append(at[m.Owner].Mediators, m.Value)
	}
	for _, c := range p.categories {
		at[c.Owner].Categories = append(at[c.Owner].Categories, c.Value)
	}
	for _, s := range p.sources {
		at[s.Owner].Sources = append(at[s.Owner].Sources, s)
	}
	for _, r := range p.reports {
		at[r.Owner].Reports = append(at[r.Owner].Reports, r.valued())
	}
}

// valued has the value that the report gives: a number or a text.
func (r report) valued() report {
	switch {
	case r.Number != nil:
		r.Value = *r.Number
	case r.Text != nil:
		r.Value = *r.Text
	}
	return r
}
