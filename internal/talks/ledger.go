package talks

// Progress is what became of a commitment in one direction: what was promised beside what is on record as delivered. The
// sums are of the events that count towards the commitment and have a figure. Where some have none (UnknownCount), or no
// upper bound, Delivered is at least so much, Remaining at most and Share at least; DeliveredHigh is then not known.
type Progress struct {
	From               *string  `json:"from"` // nil, as To, where the unit has no direction
	To                 *string  `json:"to"`
	Unit               string   `json:"unit"`   // one of Units
	Target             *int     `json:"target"` // nil: nothing was promised in this direction, and something delivered
	TargetLow          *int     `json:"target_low"`
	TargetHigh         *int     `json:"target_high"`
	TargetStatus       *string  `json:"target_status"`       // one of FigureStatuses
	Qualifier          *string  `json:"qualifier"`           // one of Qualifiers: how the target is meant
	Delivered          *int     `json:"delivered"`           // nil: no figure is known, or no records are kept; 0: none is on record
	DeliveredQualifier *string  `json:"delivered_qualifier"` // one of DeliveredQualifiers
	DeliveredLow       *int     `json:"delivered_low"`
	DeliveredHigh      *int     `json:"delivered_high"`
	Events             int      `json:"events"`        // that count towards it
	UnknownCount       int      `json:"unknown_count"` // of which have no figure
	Remaining          *int     `json:"remaining"`
	Excess             *int     `json:"excess"` // delivered beyond the target
	Share              *float64 `json:"share"`  // delivered / target
	FirstOn            *string  `json:"first_on"`
	LastOn             *string  `json:"last_on"`
	Status             *string  `json:"status"`         // one of LedgerStatuses; nil without a target
	RecordsEndOn       *string  `json:"records_end_on"` // nothing on record after this day means nothing; nil: no records are kept
	DecidedOn          string   `json:"decided_on"`     // the day that the status holds for: that of the revision
	InWords            string   `json:"in_words"`

	ByCategory []CategoryProgress `json:"by_category"`
	Counted    []CountedEvent     `json:"counted"`
	Reported   []ReportedProgress `json:"reported"`
}

// CategoryProgress sums up the events that name a category of people. The people are all of those events, not only those
// of the category: how many those were is not published.
type CategoryProgress struct {
	Category     string `json:"category"` // one of PersonCategories
	Events       int    `json:"events"`
	UnknownCount int    `json:"unknown_count"`
	Delivered    *int   `json:"delivered"`
}

// CountedEvent is an event that counts towards a commitment.
type CountedEvent struct {
	Collection string `json:"collection"`
	ID         string `json:"id"`
	Date       string `json:"date"`
	Total      *int   `json:"total"`
}

// ReportedProgress is what somebody gave for the commitment as a whole.
type ReportedProgress struct {
	Value     int     `json:"value"`
	Qualifier string  `json:"qualifier"` // one of ReportQualifiers
	Party     *string `json:"party"`
	SaidBy    *string `json:"said_by"`
	Source    string  `json:"source"`
	Note      *string `json:"note"`
}

// Total is the sum of the transfers of a group of events in one direction: of a period, or of what a commitment, a country
// or a mediator stands for.
type Total struct {
	Period       string  `json:"period,omitempty"` // 2025-05-23, 2025-W21, 2025-05, 2025-Q2, 2025
	StartsOn     string  `json:"starts_on,omitempty"`
	EndsOn       string  `json:"ends_on,omitempty"`
	Commitment   *string `json:"commitment,omitempty"`
	Country      *string `json:"country,omitempty"`
	Mediator     *string `json:"mediator,omitempty"`
	From         string  `json:"from"`
	To           string  `json:"to"`
	Records      int     `json:"records"`
	UnknownCount int     `json:"unknown_count"` // records without a figure
	Total        *int    `json:"total"`         // of those with one; nil: none has
	TotalLow     *int    `json:"total_low"`
	TotalHigh    *int    `json:"total_high"` // nil: not bounded

	RunningTotal        *int `json:"running_total,omitempty"`
	RunningUnknownCount *int `json:"running_unknown_count,omitempty"`
}
