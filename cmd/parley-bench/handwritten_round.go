package main

import (
	"net/http"
	"time"

	"github.com/jackc/pgx/v5"
)

// roundDocument is a round as JSON shows it.
type roundDocument struct {
	ID              string               `json:"id"`
	URL             string               `json:"url" db:"-"`
	Process         string               `json:"process"`
	Number          *int16               `json:"number"`
	Title           string               `json:"title"`
	StartsOn        string               `json:"starts_on"`
	EndsOn          string               `json:"ends_on"`
	StartedAt       *string              `json:"started_at"`
	EndedAt         *string              `json:"ended_at"`
	DurationMinutes *int32               `json:"duration_minutes"`
	DurationLow     *int32               `json:"duration_minutes_low"`
	DurationHigh    *int32               `json:"duration_minutes_high"`
	DurationStatus  string               `json:"duration_minutes_status"`
	Status          string               `json:"status"`
	Format          string               `json:"format"`
	City            *string              `json:"city"`
	Country         *string              `json:"country"`
	Venue           *string              `json:"venue"`
	Lat             *float64             `json:"lat"`
	Lon             *float64             `json:"lon"`
	PlacePrecision  *string              `json:"place_precision"`
	Hosts           []string             `json:"hosts" db:"-"`
	Mediators       []string             `json:"mediators" db:"-"`
	Parties         []string             `json:"parties" db:"-"`
	Summary         string               `json:"summary"`
	Delegations     []delegationDocument `json:"delegations" db:"-"`
	Proposals       []proposalDocument   `json:"proposals" db:"-"`
	Commitments     []commitmentDocument `json:"commitments" db:"-"`
	Claims          []claimDocument      `json:"claims" db:"-"`
	Note            *string              `json:"note"`
	FiguresFrom     *string              `json:"figures_from" db:"-"`
	Sources         []source             `json:"sources" db:"-"`
	Reports         []report             `json:"reports" db:"-"`
	Revision        int64                `json:"revision"`
	RecordedAt      time.Time            `json:"recorded_at"`
}

const roundSQL = `select x.id, x.process, x.number, x.title, x.starts_on::text, x.ends_on::text, local_time(x.started_at, x.utc_offset), local_time(x.ended_at, x.utc_offset),
	x.duration_minutes, x.duration_minutes_low, x.duration_minutes_high, x.duration_minutes_status::text, x.status::text, x.format::text, x.city, x.country, x.venue, x.lat, x.lon,
	x.place_precision::text, x.summary, x.note, x.revision, c.recorded_at
	from rounds x join changesets c on c.id = x.revision where x.id = $1`

type (
	delegationDocument struct {
		ID      string   `json:"id"`
		Party   string   `json:"party"`
		Head    *string  `json:"head"`
		Size    *int32   `json:"reported_size"`
		Low     *int32   `json:"reported_size_low"`
		High    *int32   `json:"reported_size_high"`
		Status  string   `json:"reported_size_status"`
		Members []member `json:"members" db:"-"`
		Sources []string `json:"sources" db:"-"`
	}
	member struct {
		Owner  string  `json:"-"`
		Person string  `json:"person"`
		Name   string  `json:"name"`
		Role   *string `json:"role"`
	}
	amount struct {
		From      *string `json:"from"`
		To        *string `json:"to"`
		Value     int32   `json:"value"`
		Qualifier string  `json:"qualifier"`
		Unit      string  `json:"unit"`
	}
	proposalDocument struct {
		ID         string           `json:"id"`
		ProposedBy string           `json:"proposed_by"`
		Kind       string           `json:"kind"`
		Summary    string           `json:"summary"`
		Status     string           `json:"status"`
		Targets    []proposalTarget `json:"targets" db:"-"`
	}
	proposalTarget struct {
		Owner string `json:"-"`
		amount
	}
	commitmentDocument struct {
		ID       string             `json:"id"`
		AgreedOn *string            `json:"agreed_on"`
		Kind     string             `json:"kind"`
		Summary  string             `json:"summary"`
		Targets  []commitmentTarget `json:"targets" db:"-"`
		DueOn    *string            `json:"due_on"`
	}
	commitmentTarget struct {
		Owner string `json:"-"`
		amount
		Low    *int32 `json:"value_low"`
		High   *int32 `json:"value_high"`
		Status string `json:"value_status"`
	}
	claimDocument struct {
		ID         string  `json:"id"`
		Topic      string  `json:"topic"`
		ClaimedBy  string  `json:"claimed_by"`
		Summary    string  `json:"summary"`
		Quantity   *amount `json:"quantity" db:"-"`
		MadeOn     *string `json:"made_on"`
		Status     string  `json:"status"`
		RespondsTo *string `json:"responds_to"`
	}
	claimRow struct {
		claimDocument
		From, To        *string
		Value           *int32
		Qualifier, Unit *string
	}
)

// roundParts are the parts of one round.
type roundParts struct {
	found             []roundDocument
	hosts, mediators  []text
	delegations       []delegationDocument
	members           []member
	delegationSources []text
	proposals         []proposalDocument
	proposalTargets   []proposalTarget
	commitments       []commitmentDocument
	commitmentTargets []commitmentTarget
	claims            []claimRow
	sources           []source
	reports           []report
}

// round answers with one round.
func (h handwritten) round(w http.ResponseWriter, r *http.Request) {
	var parts roundParts
	var batch pgx.Batch
	parts.queue(&batch, r.PathValue("id"))
	if err := h.db.SendBatch(r.Context(), &batch).Close(); err != nil {
		fail(w, err)
		return
	}
	if len(parts.found) == 0 {
		http.NotFound(w, r)
		return
	}
	reply(w, parts.document(base(r)))
}

func (p *roundParts) queue(batch *pgx.Batch, id string) {
	collect(batch, &p.found, roundSQL, id)
	collect(batch, &p.hosts, "select round, party from round_hosts where round = $1 order by position", id)
	collect(batch, &p.mediators, "select round, party from round_mediators where round = $1 order by position", id)
	collect(batch, &p.delegations, `select id, party, head, reported_size, reported_size_low, reported_size_high, reported_size_status::text
		from delegations where round = $1 order by position`, id)
	collect(batch, &p.members, `select m.delegation, m.person, n.name, m.role from delegations d join delegation_members m on m.delegation = d.id join people n on n.id = m.person
		where d.round = $1 order by m.delegation, m.position`, id)
	collect(batch, &p.delegationSources, `select l.delegation, l.source from delegations d join delegation_sources l on l.delegation = d.id
		where d.round = $1 order by l.delegation, l.position`, id)
	collect(batch, &p.proposals, "select id, proposed_by, kind::text, summary, status::text from proposals where round = $1 order by id", id)
	collect(batch, &p.proposalTargets, `select t.proposal, t.from_party, t.to_party, t.value, t.qualifier::text, t.unit::text
		from proposals p join proposal_targets t on t.proposal = p.id where p.round = $1 order by t.proposal, t.position`, id)
	collect(batch, &p.commitments, "select id, agreed_on::text, kind::text, summary, due_on::text from commitments where round = $1 order by id", id)
	collect(batch, &p.commitmentTargets, `select t.commitment, t.from_party, t.to_party, t.value, t.qualifier::text, t.unit::text, t.value_low, t.value_high, t.value_status::text
		from commitments c join commitment_targets t on t.commitment = c.id where c.round = $1 order by t.commitment, t.position`, id)
	collect(batch, &p.claims, `select id, topic::text, claimed_by, summary, made_on::text, status::text, responds_to, from_party, to_party, value, qualifier::text, unit::text
		from claims where round = $1 order by made_on nulls last, id`, id)
	collect(batch, &p.sources, `select l.round, s.id, s.publisher, s.url, s.published_on::text from round_sources l join sources s on s.id = l.source
		where l.round = $1 order by l.position`, id)
	collect(batch, &p.reports, `select round, field, value_number, value_text, qualifier::text, party, coalesce(said_by_person, said_by_name), source, note
		from reports where round = $1 order by position`, id)
}

// document puts the parts together.
func (p *roundParts) document(base string) roundDocument {
	x := p.found[0]
	x.URL, x.RecordedAt = base+"/v1/rounds/"+x.ID, x.RecordedAt.UTC()
	x.Hosts, x.Mediators, x.Parties = values(p.hosts, ""), values(p.mediators, ""), []string{}
	x.Delegations, x.Proposals, x.Commitments, x.Claims = []delegationDocument{}, []proposalDocument{}, []commitmentDocument{}, []claimDocument{}
	x.Sources, x.Reports = append([]source{}, p.sources...), []report{}
	for _, d := range p.delegations {
		x.Parties = append(x.Parties, d.Party)
		d.Members, d.Sources = []member{}, values(p.delegationSources, d.ID)
		for _, m := range p.members {
			if m.Owner == d.ID {
				d.Members = append(d.Members, m)
			}
		}
		x.Delegations = append(x.Delegations, d)
	}
	for _, d := range p.proposals {
		d.Targets = []proposalTarget{}
		for _, t := range p.proposalTargets {
			if t.Owner == d.ID {
				d.Targets = append(d.Targets, t)
			}
		}
		x.Proposals = append(x.Proposals, d)
	}
	for _, d := range p.commitments {
		d.Targets = []commitmentTarget{}
		for _, t := range p.commitmentTargets {
			if t.Owner == d.ID {
				d.Targets = append(d.Targets, t)
			}
		}
		x.Commitments = append(x.Commitments, d)
	}
	for _, c := range p.claims {
		if c.Value != nil {
			c.Quantity = &amount{c.From, c.To, *c.Value, *c.Qualifier, *c.Unit}
		}
		x.Claims = append(x.Claims, c.claimDocument)
	}
	for _, r := range p.reports {
		x.Reports = append(x.Reports, r.valued())
	}
	return x
}

// values are the values that belong to an owner, or all.
func values(all []text, owner string) []string {
	some := []string{}
	for _, t := range all {
		if owner == "" || t.Owner == owner {
			some = append(some, t.Value)
		}
	}
	return some
}
