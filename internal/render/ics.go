package render

import (
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/parley-api/parley/internal/query"
)

// ICS is a calendar (RFC 5545) of what has a day. Everything in it comes from the records: the stamps of a happening are the
// instant at which its record was recorded, its sequence is the revision. One whose time is not on record takes whole days.
var ICS = &Form{
	Name:     "ics",
	Media:    "text/calendar",
	Header:   "text/calendar; charset=utf-8",
	About:    "a calendar to subscribe to",
	Of:       Lists | Records,
	Has:      func(columns []query.Field) bool { return has(columns, "uid") },
	Entry:    true,
	Complete: true,
	New:      func(s Subject) Encoder { return &calendar{Subject: s} },
}

type calendar struct {
	Subject
	happens bool // something has been added
}

func (c *calendar) Begin(b []byte, m Meta) []byte {
	a := newAnswer(&c.Subject, ICS, m)
	b = append(b, "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Parley//Parley//EN\r\nCALSCALE:GREGORIAN\r\n"...)
	b = appendICSText(b, "NAME", a.title)
	b = appendICSText(b, "X-WR-CALNAME", a.title)
	b = appendICSText(b, "DESCRIPTION", a.Attribution+", "+a.Licence)
	if a.AsOf != nil {
		b = appendICSTime(b, "LAST-MODIFIED", *a.AsOf)
	}
	b = appendICSLine(b, "URL:"+a.page)
	b = appendICSLine(b, "SOURCE;VALUE=URI:"+a.self)
	return append(b, "REFRESH-INTERVAL;VALUE=DURATION:PT1H\r\nX-PUBLISHED-TTL:PT1H\r\n"...)
}

func (c *calendar) End(b []byte, _ Meta) []byte {
	if !c.happens {
		b = append(b, icsNothing...)
	}
	return append(b, "END:VCALENDAR\r\n"...)
}

// icsNothing is a part that no calendar shows. One without any is none by the standard (RFC 5545, 3.6).
const icsNothing = "BEGIN:VTIMEZONE\r\nTZID:Etc/UTC\r\nBEGIN:STANDARD\r\nDTSTART:19700101T000000\r\nTZOFFSETFROM:+0000\r\nTZOFFSETTO:+0000\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\n"

// icsStatus are the statuses that calendars know for those that records have. What was postponed has no new day yet.
var icsStatus = map[string]string{"cancelled": "CANCELLED", "postponed": "TENTATIVE", "scheduled": "CONFIRMED", "held": "CONFIRMED"}

// Add appends a happening; nothing for a record that is none, such as a commitment that is never due.
func (c *calendar) Add(b []byte, values [][]byte) []byte {
	e := c.entry(values)
	if e.UID == "" {
		return b
	}
	c.happens = true
	b = append(b, "BEGIN:VEVENT\r\n"...)
	b = appendICSLine(b, "UID:"+e.UID+"@"+host(c.Base))
	b = appendICSTime(b, "DTSTAMP", e.Recorded)
	b = appendICSTime(b, "LAST-MODIFIED", e.Recorded)
	b = appendICSLine(b, "SEQUENCE:"+strconv.FormatInt(e.Revision, 10))
	b = e.appendICSSpan(b)
	title := e.Title
	if e.DueOn != "" {
		title = "Due: " + title
	}
	b = appendICSText(b, "SUMMARY", title)
	if text := e.text(); text != "" {
		b = appendICSText(b, "DESCRIPTION", text)
	}
	if place := joined(", ", e.Venue, e.Place, e.Country); place != "" {
		b = appendICSText(b, "LOCATION", place)
	}
	if e.Lat != nil && e.Lon != nil {
		b = appendICSLine(b, string(appendNumber(append(appendNumber([]byte("GEO:"), *e.Lat), ';'), *e.Lon)))
	}
	status := icsStatus[e.Status]
	if status == "" {
		status = "CONFIRMED"
	}
	b = append(b, "STATUS:"+status+"\r\nTRANSP:TRANSPARENT\r\n"...)
	b = appendICSLine(b, "URL:"+e.URL)
	return append(b, "END:VEVENT\r\n"...)
}

// appendICSSpan says when: from an instant to another, where they are on record, and else from a day to the day after the
// last one.
func (e *Entry) appendICSSpan(b []byte) []byte {
	first, last := e.StartsOn, e.EndsOn
	if e.DueOn != "" {
		first, last = e.DueOn, ""
	} else if e.StartedAt != nil && (e.EndedAt != nil || last == "" || last == first) {
		b = appendICSTime(b, "DTSTART", *e.StartedAt)
		if e.EndedAt != nil && e.EndedAt.After(*e.StartedAt) {
			b = appendICSTime(b, "DTEND", *e.EndedAt)
		}
		return b
	}
	if last == "" {
		last = first
	}
	b = append(b, "DTSTART;VALUE=DATE:"+strings.ReplaceAll(first, "-", "")+"\r\n"...)
	if end, err := time.Parse(time.DateOnly, last); err == nil {
		b = end.AddDate(0, 0, 1).AppendFormat(append(b, "DTEND;VALUE=DATE:"...), "20060102")
		b = append(b, "\r\n"...)
	}
	return b
}

func appendICSTime(b []byte, name string, at time.Time) []byte {
	return append(at.UTC().AppendFormat(append(b, name+":"...), "20060102T150405Z"), "\r\n"...)
}

var icsEscape = strings.NewReplacer(`\`, `\\`, ";", `\;`, ",", `\,`, "\r\n", `\n`, "\n", `\n`, "\r", `\n`)

func appendICSText(b []byte, name, text string) []byte {
	text = strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' && r != '\r' && r != '\t' || r == 0x7f {
			return -1 // not allowed, in any spelling
		}
		return r
	}, text)
	return appendICSLine(b, name+":"+icsEscape.Replace(text))
}

// icsLine is how many bytes a line may have, the break not counted.
const icsLine = 75

// appendICSLine appends a line, folded between characters where it is too long.
func appendICSLine(b []byte, line string) []byte {
	for room := icsLine; len(line) > room; room = icsLine - 1 {
		n := room
		for !utf8.RuneStart(line[n]) {
			n--
		}
		b = append(append(b, line[:n]...), "\r\n "...)
		line = line[n:]
	}
	return append(append(b, line...), "\r\n"...)
}

// joined joins the texts that there are.
func joined(separator string, texts ...string) string {
	var there []string
	for _, text := range texts {
		if text != "" {
			there = append(there, text)
		}
	}
	return strings.Join(there, separator)
}

// host is the name of the server in an address.
func host(base string) string {
	_, rest, _ := strings.Cut(base, "://")
	name, _, _ := strings.Cut(rest, "/")
	return name
}
