package client

import (
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// Query is what is asked of a list or a record: the parameters of the address, such as {"party": {"UA"}}. Its methods
// return a query that asks for something more, and leave the one that they are called on as it is.
type Query url.Values

// Where asks for records whose field has any of the values.
func Where(field string, values ...string) Query { return Query(nil).Where(field, values...) }

// Where asks for records whose field has any of the values.
func (q Query) Where(field string, values ...string) Query { return q.Set(field, list(values)) }

// Not asks for records whose field has none of the values; those whose value is unknown are among them.
func (q Query) Not(field string, values ...string) Query { return q.Set(field+".not", list(values)) }

// Known asks for records whose field is known, or is not.
func (q Query) Known(field string, known bool) Query {
	return q.Set(field+".known", strconv.FormatBool(known))
}

// Between asks for records whose field, a day or a number, is within bounds, which belong to the range; "" leaves an end
// open.
func (q Query) Between(field, from, to string) Query { return q.Set(field, from+".."+to) }

// Sort orders by a field, descending with a minus before it.
func (q Query) Sort(key string) Query { return q.Set("sort", key) }

// Limit asks for pages of n records, 1 to 1000. A walk goes on to the end whatever they are.
func (q Query) Limit(n int) Query { return q.Set("limit", strconv.Itoa(n)) }

// Fields asks for these fields only.
func (q Query) Fields(names ...string) Query { return q.Set("fields", strings.Join(names, ",")) }

// AsOf asks for records as they were recorded at a moment: a revision (42), a day or an instant.
func (q Query) AsOf(moment string) Query { return q.Set("as_of", moment) }

// MinRevision asks for an answer as of a revision or a later one, such as that of a write, whichever server answers.
func (q Query) MinRevision(revision int64) Query {
	return q.Set("min_revision", strconv.FormatInt(revision, 10))
}

// ReportedBy asks for the figures as a party gave them.
func (q Query) ReportedBy(party string) Query { return q.Set("reported_by", party) }

// Set sets a parameter to a value, as it stands in the address.
func (q Query) Set(parameter, value string) Query {
	more := Query(maps.Clone(map[string][]string(q)))
	if more == nil {
		more = Query{}
	}
	more[parameter] = []string{value}
	return more
}

// list joins values. One with a comma in it stands in quotation marks.
func list(values []string) string {
	quoted := slices.Clone(values)
	for i, v := range quoted {
		if strings.ContainsAny(v, `,"`) {
			quoted[i] = `"` + strings.ReplaceAll(v, `"`, `""`) + `"`
		}
	}
	return strings.Join(quoted, ",")
}
