package render

import (
	"fmt"
	"hash/fnv"
	"strings"
)

// citation is what the forms that cite have in common. Cited is the answer as it stood at its revision: the query, or the
// one record. Of records that are sources themselves, each is cited.
type citation struct {
	Subject
	record *Entry // that is cited; nil: the query is
}

// sources reports whether the records are sources themselves.
func (c *citation) sources() bool { return has(c.Columns, "page") }

// take keeps the record that is cited. It reports false where each record is cited by itself.
func (c *citation) take(values [][]byte) bool {
	if c.sources() {
		return false
	}
	if c.Kind == Records {
		e := c.entry(values)
		c.record = &e
	}
	return true
}

// named is the title of what is cited; a sentence loses its full stop.
func (c *citation) named(a *answer) string {
	if c.record == nil {
		return a.title
	}
	title := strings.TrimSuffix(c.record.Title, ".")
	if a.ReportedBy != "" {
		title += " (figures as " + a.ReportedBy + " reported them)"
	}
	return title
}

// key is the name of the citation: another one for each record or query, and revision.
func (c *citation) key(a *answer) string {
	var of string
	if c.record != nil {
		of = joined("-", c.record.ID, a.ReportedBy)
	} else {
		sum := fnv.New32a()
		_, _ = sum.Write([]byte(a.cite))
		of = fmt.Sprintf("%08x", sum.Sum32())
	}
	return fmt.Sprintf("parley-%s-%s-r%d", c.Collection, of, a.Revision)
}
