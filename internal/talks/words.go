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
	// ReportQualifiers say how a reported value was hedged; exactly: not at all, though it may still be rounded.
	ReportQualifiers = []string{"exactly", "about", "at_least", "more_than", "at_most", "less_than"}
	// Units of numbers. People and bodies go in a direction, groups, hours and days in none.
	Units = []string{"people", "bodies", "groups", "hours", "days"}
	// EventTypes are the kinds of happenings in the timeline.
	EventTypes = []string{"round", "prisoner_exchange", "body_repatriation", "proposal", "commitment", "due_date", "claim"}
)
