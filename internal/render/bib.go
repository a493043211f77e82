package render

import (
	"fmt"
	"strings"
)

// Bib is citations in BibLaTeX, which BibTeX reads too. Cited is the answer as it stood at its revision: the query, or the one
// record; where records are sources themselves, each of them. The dates are those of the revision; no clock is read.
var Bib = &Form{
	Name:     "bib",
	Media:    "application/x-bibtex",
	Header:   "application/x-bibtex; charset=utf-8",
	About:    "citations for LaTeX",
	Of:       Lists | Records | Totals,
	Entry:    true,
	Complete: true,
	Cites:    true,
	New:      func(s Subject) Encoder { return &bib{citation{Subject: s}} },
}

type bib struct{ citation }

func (c *bib) Begin(b []byte, _ Meta) []byte { return b }

func (c *bib) Add(b []byte, values [][]byte) []byte {
	if c.take(values) {
		return b
	}
	e := c.entry(values)
	w := bibEntry{kind: "online", key: e.ID}
	w.text("organization", e.Publisher)
	w.text("title", e.Title)
	w.date(e.StartsOn)
	w.raw("url", e.Page)
	return w.append(b)
}

func (c *bib) End(b []byte, m Meta) []byte {
	if c.sources() {
		return b
	}
	a := newAnswer(&c.Subject, Bib, m)
	day := a.day()
	w := bibEntry{kind: "dataset", key: c.key(&a)}
	w.text("author", a.Attribution)
	w.text("title", c.named(&a))
	w.text("publisher", "Parley")
	w.text("version", fmt.Sprint(a.Revision))
	w.date(day)
	w.raw("url", a.cite)
	w.raw("urldate", day)
	w.text("note", "Licence: "+a.Licence)
	return w.append(b)
}

type bibEntry struct {
	kind, key string
	fields    []string
}

func (w *bibEntry) raw(name, value string) {
	if value != "" {
		w.fields = append(w.fields, "  "+name+" = {"+value+"}")
	}
}

// text is in double braces: names are not taken apart, and capitals stay.
func (w *bibEntry) text(name, value string) { w.raw(name, "{"+latex.Replace(value)+"}") }

// date is a day; BibTeX itself knows the year only.
func (w *bibEntry) date(day string) {
	w.raw("date", day)
	if len(day) >= 4 {
		w.raw("year", day[:4])
	}
}

func (w *bibEntry) append(b []byte) []byte {
	return fmt.Appendf(b, "@%s{%s,\n%s,\n}\n", w.kind, w.key, strings.Join(w.fields, ",\n"))
}

// latex escapes what has a meaning in LaTeX. Braces by name: BibTeX counts those that are escaped by a backslash too.
var latex = strings.NewReplacer(
	`\`, `\textbackslash{}`, `{`, `\textbraceleft{}`, `}`, `\textbraceright{}`, `#`, `\#`, `$`, `\$`, `%`, `\%`, `&`, `\&`, `_`, `\_`,
	`~`, `\textasciitilde{}`, `^`, `\textasciicircum{}`, "\r\n", " ", "\n", " ", "\r", " ",
)
