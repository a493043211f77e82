package query

import (
	"errors"
	"math"
	"strconv"
	"strings"
)

// EventID says how far a stream of changes has been read.
type EventID struct {
	Revision int64
	Sequence int    // 0: everything up to the revision; else of that changeset so many events, and everything before it
	Record   string // not "": of the records as of the revision, in the order of their ids, those up to this one
}

// String is the id as a stream writes it: 42, 42-3 or 42@istanbul-2025-3.
func (id EventID) String() string {
	text := strconv.FormatInt(id.Revision, 10)
	switch {
	case id.Record != "":
		text += "@" + id.Record
	case id.Sequence > 0:
		text += "-" + strconv.Itoa(id.Sequence)
	}
	return text
}

var errEventID = errors.New("is not the id of an event, such as 42-3, nor a revision, such as 42: leave it out to begin at the present")

// ParseEventID understands the id of an event, and a revision.
func ParseEventID(text string) (EventID, error) {
	number, record, within := strings.Cut(text, "@")
	number, sequence, changed := strings.Cut(number, "-")
	var id EventID
	var err error
	if id.Revision, err = strconv.ParseInt(number, 10, 64); err != nil || id.Revision == math.MaxInt64 {
		return EventID{}, errEventID
	}
	if changed {
		if id.Sequence, err = strconv.Atoi(sequence); err != nil || id.Sequence < 1 {
			return EventID{}, errEventID
		}
	}
	if within {
		if id.Record = record; !IsID(record) {
			return EventID{}, errEventID
		}
	}
	if id.String() != text || id.Revision < 0 {
		return EventID{}, errEventID
	}
	return id, nil
}

// notOfStreams are parameters of lists that streams do not understand, and why.
var notOfStreams = map[string]string{
	"sort":        "is not for a stream: it tells of changes in the order in which they were recorded",
	"limit":       "is not for a stream: it does not end",
	"cursor":      "is not for a stream, which has no pages: last_event_id continues one",
	"as_of":       "is not for a stream: the past does not change; last_event_id=REVISION tells of what has changed since then",
	"total_count": "is not for a stream: the number of records changes while it lasts",
}

// stream understands the parameters that streams alone have, and refuses those that only lists have. It reports whether the
// parameter was one of these.
func (p *parser) stream(name, value string) bool {
	switch reason := notOfStreams[name]; {
	case reason != "":
		p.fault(name, reason)
	case name == "snapshot":
		p.list.Snapshot = p.boolean(name, value)
	case name == "last_event_id":
		id, err := ParseEventID(value)
		if err != nil {
			p.fault(name, err.Error())
		}
		p.list.Since = &id
	default:
		return false
	}
	return true
}
