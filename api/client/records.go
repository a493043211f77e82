package client

import "github.com/parley-api/parley/internal/talks"

// Collection is the name of a collection, as in its address, with the type T of its records.
type Collection[T any] string

// The collections. Their records are described at [Round] and the other types.
const (
	Processes         Collection[Process]          = "processes"
	Rounds            Collection[Round]            = "rounds"
	Delegations       Collection[Delegation]       = "delegations"
	People            Collection[Person]           = "people"
	Parties           Collection[Party]            = "parties"
	Proposals         Collection[Proposal]         = "proposals"
	Commitments       Collection[Commitment]       = "commitments"
	Claims            Collection[Claim]            = "claims"
	PrisonerExchanges Collection[PrisonerExchange] = "prisoner-exchanges"
	BodyRepatriations Collection[BodyRepatriation] = "body-repatriations"
	PublishedTotals   Collection[PublishedTotal]   = "published-totals"
	Reports           Collection[Report]           = "reports"
	Sources           Collection[Source]           = "sources"
	Events            Collection[Event]            = "events"
	Changesets        Collection[Changeset]        = "changesets"
	Changes           Collection[Change]           = "changes"
	Coverages         Collection[Coverage]         = "coverage"
)

// Lists whose records have no address of their own.
const (
	// PrisonerExchangeTotals and BodyRepatriationTotals are sums; the query says by what, such as by=month.
	PrisonerExchangeTotals Collection[Total] = "prisoner-exchanges/totals"
	BodyRepatriationTotals Collection[Total] = "body-repatriations/totals"
	// Search is what q= finds in all collections.
	Search Collection[Found] = "search"
)

// The types of the records are those that the API itself is held to by its tests, by other names: so a field is
// described in one place, and can be neither missing here nor out of date.
type (
	Process          = talks.Process
	Round            = talks.Round
	RoundDelegation  = talks.RoundDelegation
	RoundProposal    = talks.RoundProposal
	RoundCommitment  = talks.RoundCommitment
	RoundClaim       = talks.RoundClaim
	Delegation       = talks.Delegation
	Member           = talks.Member
	Person           = talks.Person
	PersonRound      = talks.PersonRound
	Party            = talks.Party
	PartyRound       = talks.PartyRound
	PartyDelegation  = talks.PartyDelegation
	PartyExchanges   = talks.PartyExchanges
	Proposal         = talks.Proposal
	Quantity         = talks.Quantity
	Commitment       = talks.Commitment
	Target           = talks.Target
	Progress         = talks.Progress
	CategoryProgress = talks.CategoryProgress
	CountedEvent     = talks.CountedEvent
	ReportedProgress = talks.ReportedProgress
	Claim            = talks.Claim
	PrisonerExchange = talks.PrisonerExchange
	Transfer         = talks.Transfer
	BodyRepatriation = talks.BodyRepatriation
	BodyTransfer     = talks.BodyTransfer
	PublishedTotal   = talks.PublishedTotal
	Report           = talks.Report
	FigureGiven      = talks.FigureGiven
	Source           = talks.Source
	Citation         = talks.Citation
	Ref              = talks.Ref
	Event            = talks.Event
	EventFigure      = talks.EventFigure
	Changeset        = talks.Changeset
	Change           = talks.Change
	Coverage         = talks.Coverage
	Total            = talks.Total
	Found            = talks.Found
)
