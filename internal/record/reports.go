package record

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// figure is a field that reports may be about.
type figure struct {
	pattern *regexp.Regexp
	example string
	form    string // of the value: count, date, time, "date or time", text, person, party, any
}

// figures are the fields that reports may be about, by collection.
var figures = map[string][]figure{
	"rounds": {
		plain("starts_on", "date"), plain("ends_on", "date"), plain("started_at", "time"), plain("ended_at", "time"), plain("scheduled_at", "date or time"),
		plain("duration_minutes", "count"), plain("number", "count"), ofParty("delegation_size", "count"), ofParty("delegation_head", "person"),
		ofParty("delegation_members", "text"), plain("place.venue", "text"), plain("other", "any"),
	},
	"commitments": {countOf("target", ""), countOf("delivered", ""), plain("other", "any")},
	"prisoner-exchanges": {
		plain("date", "date"), countOf("transfers", ".total"), countOf("transfers", ".pows"), countOf("transfers", ".civilians"),
		plain("mediators", "party"), plain("commitment", "text"), plain("other", "any"),
	},
	"body-repatriations": {
		plain("date", "date"), countOf("transfers", ".total"), plain("mediators", "party"), plain("commitment", "text"), plain("other", "any"),
	},
}

func plain(name, form string) figure {
	return figure{regexp.MustCompile("^" + regexp.QuoteMeta(name) + "$"), name, form}
}

func ofParty(name, form string) figure {
	return figure{regexp.MustCompile("^" + name + `\.([A-Z]{2,12})$`), name + ".UA", form}
}

// countOf is a count by direction: transfers.RU-UA.total.
func countOf(name, count string) figure {
	return figure{regexp.MustCompile("^" + name + `\.([A-Z]{2,12})-([A-Z]{2,12})` + regexp.QuoteMeta(count) + "$"), name + ".RU-UA" + count, "count"}
}

// reports: each is about a figure of the record, with a value of the form that the figure has, by one of the record's
// sources.
func (c *checker) reports(d Document) {
	cited := d.Strings("sources")
	for i, r := range d.Documents("reports") {
		at := "reports/" + strconv.Itoa(i)
		if source := r.String("source"); source != "" {
			c.rule(slices.Contains(cited, source), at+"/source", strconv.Quote(source)+" is not among the sources of the record")
		}
		field := r.String("field")
		if field == "" {
			continue
		}
		form := c.figure(at+"/field", field)
		if r["value"] != nil && form != "" {
			c.reported(at+"/value", form, r["value"])
		}
		c.rule(field != "other" || r["note"] != nil, at+"/note", `is required with the field "other": say what the value is`)
	}
}

// figure finds what form the values of a field have; "" if there is no such field.
func (c *checker) figure(at, field string) string {
	var examples []string
	for _, f := range figures[c.kind.Collection] {
		examples = append(examples, f.example)
		parties := f.pattern.FindStringSubmatch(field)
		if parties == nil {
			continue
		}
		for _, party := range parties[1:] {
			c.refer(c.at+"/"+at, "parties", party)
		}
		c.rule(len(parties) < 3 || parties[1] != parties[2], at, "goes from a party to itself")
		return f.form
	}
	c.rule(false, at, strconv.Quote(field)+" is no figure of this record; write one such as "+strings.Join(examples, ", "))
	return ""
}

// reported checks the form of a reported value.
func (c *checker) reported(at, form string, value any) {
	text, isText := value.(string)
	count, isCount := value.(int64)
	ok, wants := false, form
	switch form {
	case "count":
		ok, wants = isCount && count >= 0, "a count"
	case "date":
		ok, wants = isText && isDay(text), "a day such as 2025-07-23"
	case "time":
		ok, wants = isText && isTime(text), "a time such as 2025-07-23T20:40:00+03:00, without offset where the source gave none"
	case "date or time":
		ok, wants = isText && (isDay(text) || isTime(text)), "a day or a time, such as 2025-07-23T20:00:00+03:00"
	case "text":
		ok, wants = isText, "a text"
	case "person", "party":
		ok, wants = isText, "the id of a "+form
		if ok {
			c.refer(c.at+"/"+at, map[string]string{"person": "people", "party": "parties"}[form], text)
		}
	case "any":
		ok = true
	}
	c.rule(ok, at, "is "+show(value)+", not "+wants)
}

// isTime: with or without the offset of the clock.
func isTime(text string) bool {
	at, err := time.Parse("2006-01-02T15:04:05-07:00", text)
	if err != nil {
		at, err = time.Parse("2006-01-02T15:04:05", text)
	}
	return err == nil && plausible(at) && at.Nanosecond() == 0
}
