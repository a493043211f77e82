package talks

// Process is a series of rounds of talks.
type Process struct {
	ID        string   `json:"id"`
	URL       string   `json:"url"`
	Name      string   `json:"name"`
	StartedOn string   `json:"started_on"`
	EndedOn   *string  `json:"ended_on"`  // nil: not ended, or no agreed end
	Parties   []string `json:"parties"`   // those that negotiate
	Mediators []string `json:"mediators"` // parties that mediate
	Summary   string   `json:"summary"`
	Rounds    []string `json:"rounds"` // ids, oldest first
	Provenance
}

// Round is one meeting.
type Round struct {
	ID              string   `json:"id"`
	URL             string   `json:"url"`
	Process         string   `json:"process"`
	Number          *int     `json:"number"` // within the process; nil where not counted or disputed
	Title           string   `json:"title"`
	StartsOn        string   `json:"starts_on"`
	EndsOn          string   `json:"ends_on"`
	StartedAt       *string  `json:"started_at"` // with the offset of the local clock; may be the time of an agency's bulletin
	EndedAt         *string  `json:"ended_at"`
	DurationMinutes *int     `json:"duration_minutes"` // talks proper
	DurationLow     *int     `json:"duration_minutes_low"`
	DurationHigh    *int     `json:"duration_minutes_high"`
	DurationStatus  string   `json:"duration_minutes_status"` // one of FigureStatuses
	Status          string   `json:"status"`                  // one of RoundStatuses
	Format          string   `json:"format"`                  // one of RoundFormats
	City            *string  `json:"city"`
	Country         *string  `json:"country"` // ISO 3166-1 alpha-2
	Venue           *string  `json:"venue"`
	Lat             *float64 `json:"lat"` // degrees
	Lon             *float64 `json:"lon"`
	PlacePrecision  *string  `json:"place_precision"` // one of PlacePrecisions: what lat and lon are the position of
	Hosts           []string `json:"hosts"`           // parties
	Mediators       []string `json:"mediators"`       // parties
	Parties         []string `json:"parties"`         // those with a delegation on record
	Summary         string   `json:"summary"`

	Delegations []RoundDelegation `json:"delegations"`
	Proposals   []RoundProposal   `json:"proposals"`
	Commitments []RoundCommitment `json:"commitments"`
	Claims      []RoundClaim      `json:"claims"`
	Note        *string           `json:"note"`
	FiguresFrom *string           `json:"figures_from"` // the party whose figures these are; nil: the best-supported ones
	Provenance
}

// RoundDelegation is a delegation as its round shows it.
type RoundDelegation struct {
	ID           string  `json:"id"`
	Party        string  `json:"party"`
	Head         *string `json:"head"`          // a person, one of the members
	ReportedSize *int    `json:"reported_size"` // more than are named, where not all are
	SizeStanding
	Members []Member `json:"members"`
	Sources []string `json:"sources"` // ids
}

// Member is a person in a delegation.
type Member struct {
	Person string  `json:"person"` // id
	Name   string  `json:"name"`
	Role   *string `json:"role"` // the office held then
}

// RoundProposal is a proposal as its round shows it.
type RoundProposal struct {
	ID         string     `json:"id"`
	ProposedBy string     `json:"proposed_by"` // party
	Kind       string     `json:"kind"`        // one of ProposalKinds
	Summary    string     `json:"summary"`
	Status     string     `json:"status"` // one of ProposalStatuses: what became of it
	Targets    []Quantity `json:"targets"`
}

// RoundCommitment is a commitment as its round shows it.
type RoundCommitment struct {
	ID       string   `json:"id"`
	AgreedOn *string  `json:"agreed_on"`
	Kind     string   `json:"kind"` // one of CommitmentKinds
	Summary  string   `json:"summary"`
	Targets  []Target `json:"targets"`
	DueOn    *string  `json:"due_on"`
}

// RoundClaim is a claim as its round shows it.
type RoundClaim struct {
	ID         string    `json:"id"`
	Topic      string    `json:"topic"`      // one of ClaimTopics
	ClaimedBy  string    `json:"claimed_by"` // party
	Summary    string    `json:"summary"`
	Quantity   *Quantity `json:"quantity"` // nil: it is about no number
	MadeOn     *string   `json:"made_on"`
	Status     string    `json:"status"`      // one of ClaimStatuses
	RespondsTo *string   `json:"responds_to"` // claim
}

// Quantity is a number that was proposed, promised or claimed. From and To are nil where the unit has no direction.
type Quantity struct {
	From      *string `json:"from"`
	To        *string `json:"to"`
	Value     int     `json:"value"`
	Qualifier string  `json:"qualifier"` // one of Qualifiers
	Unit      string  `json:"unit"`      // one of Units
}

// Target is a number that was promised, with how it stands: see [Figure].
type Target struct {
	From        *string `json:"from"`
	To          *string `json:"to"`
	Value       *int    `json:"value"`     // nil: the party whose figures are asked for gave none
	Qualifier   string  `json:"qualifier"` // one of Qualifiers
	Unit        string  `json:"unit"`      // one of Units
	ValueLow    *int    `json:"value_low"`
	ValueHigh   *int    `json:"value_high"`
	ValueStatus string  `json:"value_status"` // one of FigureStatuses
}

// Delegation is one party's delegation at one round.
type Delegation struct {
	ID           string  `json:"id"`
	URL          string  `json:"url"`
	Round        string  `json:"round"`
	Date         string  `json:"date"` // on which the round began
	Party        string  `json:"party"`
	Head         *string `json:"head"` // a person, one of the members
	ReportedSize *int    `json:"reported_size"`
	SizeStanding
	Members     []Member `json:"members"`
	FiguresFrom *string  `json:"figures_from"` // the party whose figures these are; nil: the best-supported ones
	Provenance
}

// SizeStanding is how the size of a delegation stands: see [Figure].
type SizeStanding struct {
	ReportedSizeLow    *int   `json:"reported_size_low"`
	ReportedSizeHigh   *int   `json:"reported_size_high"`
	ReportedSizeStatus string `json:"reported_size_status"` // one of FigureStatuses
}

// Person took part in the talks, or is quoted.
type Person struct {
	ID         string        `json:"id"`
	URL        string        `json:"url"`
	Name       string        `json:"name"`
	NameNative *string       `json:"name_native"`
	Party      string        `json:"party"`
	Aliases    []string      `json:"aliases"`
	Wikidata   *string       `json:"wikidata"` // item, such as Q123
	Rounds     []PersonRound `json:"rounds"`   // oldest first
	Provenance
}

// PersonRound is a round that a person took part in.
type PersonRound struct {
	ID         string  `json:"id"`
	Title      string  `json:"title"`
	StartsOn   string  `json:"starts_on"`
	Delegation string  `json:"delegation"`
	Role       *string `json:"role"` // the office held then
	Head       bool    `json:"head"` // headed the delegation
}

// Party is a state or an organisation.
type Party struct {
	ID     string       `json:"id"`
	URL    string       `json:"url"`
	Name   string       `json:"name"`
	Kind   string       `json:"kind"` // one of PartyKinds
	ISO2   *string      `json:"iso2"` // ISO 3166-1 alpha-2; nil for an organisation
	Rounds []PartyRound `json:"rounds"`

	Delegations []PartyDelegation `json:"delegations"` // oldest first
	Exchanges   []PartyExchanges  `json:"exchanges"`   // in what it never did it has none
	Provenance
}

// PartyRound is a round that a party took part in.
type PartyRound struct {
	ID       string `json:"id"`
	Title    string `json:"title"`
	StartsOn string `json:"starts_on"`
	Capacity string `json:"capacity"` // delegation, host or mediator
}

// PartyDelegation is a delegation that a party sent.
type PartyDelegation struct {
	ID       string  `json:"id"`
	Round    string  `json:"round"`
	StartsOn string  `json:"starts_on"`
	Head     *string `json:"head"` // a person
	HeadName *string `json:"head_name"`
}

// PartyExchanges is how many exchanges, or repatriations, a party took part in.
type PartyExchanges struct {
	Collection string `json:"collection"`
	Capacity   string `json:"capacity"` // gave, received or mediator
	Events     int    `json:"events"`
	FirstOn    string `json:"first_on"`
	LastOn     string `json:"last_on"`
}

// Proposal is what one party put forward at a round.
type Proposal struct {
	ID         string     `json:"id"`
	URL        string     `json:"url"`
	Round      string     `json:"round"`
	Date       string     `json:"date"`        // on which the round began
	ProposedBy string     `json:"proposed_by"` // party
	Kind       string     `json:"kind"`        // one of ProposalKinds
	Summary    string     `json:"summary"`
	Status     string     `json:"status"` // one of ProposalStatuses: what became of it
	Targets    []Quantity `json:"targets"`
	Note       *string    `json:"note"`
	Provenance
}

// Commitment is what the sides undertook.
type Commitment struct {
	ID          string      `json:"id"`
	URL         string      `json:"url"`
	Round       *string     `json:"round"` // nil: not made at a round
	AgreedOn    *string     `json:"agreed_on"`
	Kind        string      `json:"kind"` // one of CommitmentKinds
	Summary     string      `json:"summary"`
	Parties     []string    `json:"parties"` // who undertook it
	Status      *string     `json:"status"`  // one of LedgerStatuses; nil: it has no target that is a number
	Targets     []Target    `json:"targets"`
	Progress    *[]Progress `json:"progress"`   // by direction; nil: it has no target that is a number
	Categories  []string    `json:"categories"` // some of PersonCategories
	DueOn       *string     `json:"due_on"`
	Note        *string     `json:"note"`
	FiguresFrom *string     `json:"figures_from"` // the party whose figures these are; nil: the best-supported ones
	Provenance
}

// Claim is an attributed statement that is or may be disputed.
type Claim struct {
	ID         string    `json:"id"`
	URL        string    `json:"url"`
	Round      *string   `json:"round"`
	Topic      string    `json:"topic"`      // one of ClaimTopics
	ClaimedBy  string    `json:"claimed_by"` // party
	Summary    string    `json:"summary"`
	Quantity   *Quantity `json:"quantity"` // nil: it is about no number
	MadeOn     *string   `json:"made_on"`
	Status     string    `json:"status"`      // one of ClaimStatuses; uncontested: no answer was found, which does not make it true
	RespondsTo *string   `json:"responds_to"` // the claim that this one answers
	Answers    []string  `json:"answers"`     // the claims that answer this one
	Note       *string   `json:"note"`
	Provenance
}

// PrisonerExchange is one exchange or release on one day.
type PrisonerExchange struct {
	ID             string     `json:"id"`
	URL            string     `json:"url"`
	Date           string     `json:"date"`
	SequenceNote   *string    `json:"sequence_note"` // its place in somebody's count, or the stage that it was
	Place          *string    `json:"place"`
	Country        *string    `json:"country"`
	Lat            *float64   `json:"lat"`
	Lon            *float64   `json:"lon"`
	PlacePrecision *string    `json:"place_precision"`
	Transfers      []Transfer `json:"transfers"`
	Mediators      []string   `json:"mediators"`  // parties
	Categories     []string   `json:"categories"` // some of PersonCategories
	Commitment     *string    `json:"commitment"` // that it counts towards; the note says on whose word
	Summary        string     `json:"summary"`
	Note           *string    `json:"note"`
	FiguresFrom    *string    `json:"figures_from"` // the party whose figures these are; nil: the best-supported ones
	Provenance
}

// Transfer is the people who went one way. Total = POWs + Civilians where all three are known.
type Transfer struct {
	From  string `json:"from"`
	To    string `json:"to"`
	Total *int   `json:"total"`
	TotalStanding
	POWs            *int   `json:"pows"` // prisoners of war
	POWsLow         *int   `json:"pows_low"`
	POWsHigh        *int   `json:"pows_high"`
	POWsStatus      string `json:"pows_status"` // one of FigureStatuses
	Civilians       *int   `json:"civilians"`   // nil beside POWs = Total: no source speaks of civilians
	CiviliansLow    *int   `json:"civilians_low"`
	CiviliansHigh   *int   `json:"civilians_high"`
	CiviliansStatus string `json:"civilians_status"` // one of FigureStatuses
}

// TotalStanding is how a total stands: see [Figure].
type TotalStanding struct {
	TotalLow    *int   `json:"total_low"`
	TotalHigh   *int   `json:"total_high"`
	TotalStatus string `json:"total_status"` // one of FigureStatuses
}

// BodyRepatriation is one transfer of the bodies of the dead on one day.
type BodyRepatriation struct {
	ID             string         `json:"id"`
	URL            string         `json:"url"`
	Date           string         `json:"date"`
	Place          *string        `json:"place"`
	Country        *string        `json:"country"`
	Lat            *float64       `json:"lat"`
	Lon            *float64       `json:"lon"`
	PlacePrecision *string        `json:"place_precision"`
	Transfers      []BodyTransfer `json:"transfers"`
	Mediators      []string       `json:"mediators"`  // parties
	Commitment     *string        `json:"commitment"` // that it counts towards; the note says on whose word
	Summary        string         `json:"summary"`
	Note           *string        `json:"note"`
	FiguresFrom    *string        `json:"figures_from"` // the party whose figures these are; nil: the best-supported ones
	Provenance
}

// BodyTransfer is the bodies that went one way.
type BodyTransfer struct {
	From  string `json:"from"`
	To    string `json:"to"`
	Total *int   `json:"total"`
	TotalStanding
}

// PublishedTotal is a cumulative figure as an official or a medium published it.
type PublishedTotal struct {
	ID        string  `json:"id"`
	URL       string  `json:"url"`
	Date      string  `json:"date"` // up to which it counts
	Kind      string  `json:"kind"` // one of TotalKinds
	From      *string `json:"from"` // both nil: the two directions together
	To        *string `json:"to"`
	Value     int     `json:"value"`
	Qualifier string  `json:"qualifier"`  // one of ReportQualifiers
	ScopeFrom string  `json:"scope_from"` // from which it counts
	ScopeNote *string `json:"scope_note"` // what is counted
	Party     *string `json:"party"`      // whose figure it is; nil for an outlet's own
	SaidBy    *string `json:"said_by"`    // a person's id, or the name of an official or a body

	RecordsTotal int     `json:"records_total"` // the sum of our own records of the same scope: those that have a figure
	Records      int     `json:"records"`       // how many transfers those are: an event has one in each direction
	UnknownCount int     `json:"unknown_count"` // how many of them have no figure
	Difference   int     `json:"difference"`    // value - records_total
	Note         *string `json:"note"`
	FiguresFrom  *string `json:"figures_from"` // the party whose figures the records' are; nil: the best-supported ones
	Provenance
}
