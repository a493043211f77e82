package talks

// The words that enumerated fields may use, in the order of the enumerations of the database.
var (
	PartyKinds       = []string{"state", "organisation"}
	SourceKinds      = []string{"wire", "news", "official", "encyclopedia", "ngo"}
	RoundStatuses    = []string{"held", "scheduled", "postponed", "cancelled"}
	RoundFormats     = []string{"in_person", "online", "hybrid"}
	PlacePrecisions  = []string{"city", "border_crossing", "region", "country"}
	ProposalKinds    = []string{"working_group", "ceasefire", "leaders_meeting", "prisoner_exchange", "body_repatriation", "civilian_return", "children_return", "settlement_terms", "other"}
	ProposalStatuses = []string{"pending", "accepted", "rejected", "partly_accepted", "superseded", "unknown"}
	CommitmentKinds  = []string{"prisoner_exchange", "body_repatriation", "civilian_return", "document_exchange", "follow_up_round", "other"}
	PersonCategories = []string{"wounded", "seriously_ill", "under_25", "long_held", "women", "conscripts", "civilians", "other"}
	ClaimTopics      = []string{"kursk_civilians", "deported_children", "bodies_refused", "list_dispute", "other"}
	ClaimStatuses    = []string{"uncontested", "disputed", "denied", "retracted"}
	TotalKinds       = []string{"prisoners", "bodies"}

	// ChangeOps are what a changeset does to a record.
	ChangeOps = []string{"create", "update", "delete"}

	// Qualifiers say how a number in a proposal, a commitment or a claim is meant.
	Qualifiers = []string{"exactly", "about", "at_least", "up_to"}
	// FigureStatuses say how a figure stands: see [Figure].
	FigureStatuses = []string{"agreed", "single_source", "disputed", "unknown"}
	// ReportQualifiers say how a reported value was hedged; exactly: not at all, though it may still be rounded.
	ReportQualifiers = []string{"exactly", "about", "at_least", "more_than", "at_most", "less_than"}
	// Units of numbers. People and bodies go in a direction, groups, hours and days in none.
	Units = []string{"people", "bodies", "groups", "hours", "days"}
	// LedgerStatuses say how a commitment with a target stands, by our records and on the day of the revision that is read:
	//
	//   - met: as much as was promised is on record, in every direction.
	//   - open: it is not, and is not due yet, or has no due date.
	//   - overdue: it is not, and the day on which it was due has passed.
	//   - lapsed: its time has passed, and no records are kept that would tell whether it was met.
	//   - no_records: our records end before it was made, or before it was due.
	LedgerStatuses = []string{"open", "met", "overdue", "lapsed", "no_records"}
	// DeliveredQualifiers say how the sum of what was delivered is meant; at_least: some events have no
	// figure, or one without an upper bound.
	DeliveredQualifiers = []string{"exactly", "at_least"}
	// DatePrecisions say what the date of an event is: its day; the first day of a span; or, where its own day is not on
	// record, the first day of its round.
	DatePrecisions = []string{"day", "span", "round"}
	// EventTypes are the kinds of happenings in the timeline.
	EventTypes = []string{"round", "prisoner_exchange", "body_repatriation", "proposal", "commitment", "due_date", "claim"}
)
