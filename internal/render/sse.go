package render

import "github.com/parley-api/parley/internal/query"

// SSE is what changes within a list, as it does: server-sent events, as HTML defines them.
var SSE = &Form{
	Name:   "sse",
	Media:  "text/event-stream",
	Header: "text/event-stream",
	About:  "what changes within a list, as it does",
	Of:     Lists,
	Has: func(columns []query.Field) bool {
		// What a search finds is not a collection, and what is best is not the same after a change.
		return (&Subject{Columns: columns}).Column("snippet") < 0
	},
	Live: true,
}

// AppendEvent appends an event, whose data, of one line, data appends. An event without an id is one from which a stream
// cannot go on.
func AppendEvent(b []byte, name, id string, data func([]byte) []byte) []byte {
	b = append(append(b, "event: "...), name...)
	if id != "" {
		b = append(append(b, "\nid: "...), id...)
	}
	return append(data(append(b, "\ndata: "...)), "\n\n"...)
}
