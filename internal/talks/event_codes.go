package talks

// EventCode says what a type of event is in the event data of political science, for people who join with data sets that
// use their codes.
type EventCode struct {
	Type   string // one of EventTypes
	PLOVER string // the event type of PLOVER, as in POLECAT; "": it has none
	CAMEO  string // the code of CAMEO, as in GDELT and ICEWS; "": it has none
	Reason string
}

// EventCodes is the whole mapping, by the type of an event alone: what a certain round or claim was about may call for
// another code.
var EventCodes = []EventCode{
	{"round", "CONSULT", "046", "talks between the parties are negotiations"},
	{"prisoner_exchange", "CONCEDE", "0841", "each side returns or releases people"},
	{"body_repatriation", "CONCEDE", "084", "a side returns what it held; CAMEO has no code for the dead"},
	{"proposal", "REQUEST", "02", "a party asks the other to act; PLOVER counts requests and demands together"},
	{"commitment", "AGREE", "03", "the sides express the intent to cooperate"},
	{"claim", "", "010", "a statement; PLOVER has no type for what only says something"},
	{"due_date", "", "", "nothing happens on it by itself"},
}

// PLOVERTypes are the event types of PLOVER that EventCodes uses.
var PLOVERTypes = []string{"CONSULT", "CONCEDE", "REQUEST", "AGREE"}
