package render

import (
	"fmt"
	"strconv"
	"strings"
)

// CSL is citations in CSL-JSON (1.0.2), as reference managers exchange them: of what [Bib] cites.
var CSL = &Form{
	Name:     "csl.json",
	Media:    "application/vnd.citationstyles.csl+json",
	Header:   "application/vnd.citationstyles.csl+json",
	About:    "citations for Zotero, pandoc and citation styles",
	Of:       Lists | Records | Totals,
	Entry:    true,
	Complete: true,
	Cites:    true,
	New:      func(s Subject) Encoder { return &csl{citation: citation{Subject: s}} },
}

type csl struct {
	citation
	some bool // an item has been written
}

type cslItem struct {
	ID        string    `json:"id"`
	Type      string    `json:"type"`
	Author    []cslName `json:"author,omitempty"`
	Title     string    `json:"title"`
	Publisher string    `json:"publisher,omitempty"`
	Version   string    `json:"version,omitempty"`
	Issued    *cslDate  `json:"issued,omitempty"`
	Accessed  *cslDate  `json:"accessed,omitempty"`
	URL       string    `json:"URL,omitempty"`
	Language  string    `json:"language,omitempty"`
	License   string    `json:"license,omitempty"`
}

type cslName struct {
	Literal string `json:"literal"`
}

type cslDate struct {
	Parts [][]int `json:"date-parts"`
}

func (c *csl) Begin(b []byte, _ Meta) []byte { return append(b, '[') }

func (c *csl) Add(b []byte, values [][]byte) []byte {
	if c.take(values) {
		return b
	}
	e := c.entry(values)
	return c.append(b, cslItem{
		ID: e.ID, Type: "webpage", Title: e.Title, Publisher: e.Publisher, Issued: cslDay(e.StartsOn), URL: e.Page, Language: e.Language,
	})
}

func (c *csl) End(b []byte, m Meta) []byte {
	if !c.sources() {
		a := newAnswer(&c.Subject, CSL, m)
		day := cslDay(a.day())
		b = c.append(b, cslItem{
			ID: c.key(&a), Type: "dataset", Author: []cslName{{a.Attribution}}, Title: c.named(&a), Publisher: "Parley",
			Version: fmt.Sprint(a.Revision), Issued: day, Accessed: day, URL: a.cite, License: a.Licence,
		})
	}
	return append(b, "]\n"...)
}

func (c *csl) append(b []byte, item cslItem) []byte {
	if c.some {
		b = append(b, ',')
	}
	c.some = true
	return appendObject(b, item)
}

// cslDay is a day, YYYY-MM-DD; nil for none.
func cslDay(day string) *cslDate {
	var parts []int
	for part := range strings.SplitSeq(day, "-") {
		n, err := strconv.Atoi(part)
		if err != nil {
			return nil
		}
		parts = append(parts, n)
	}
	return &cslDate{[][]int{parts}}
}
