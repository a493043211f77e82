package render_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/parley-api/parley/internal/render"
)

func TestICS(t *testing.T) {
	want := strings.ReplaceAll(`BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//Parley//Parley//EN
CALSCALE:GREGORIAN
NAME:Parley: rounds\, party=UA
X-WR-CALNAME:Parley: rounds\, party=UA
DESCRIPTION:The contributors\, https://creativecommons.org/licenses/by/4.0/
LAST-MODIFIED:20300505T000000Z
URL:https://parley.test/v1/rounds?party=UA&sort=-revision
SOURCE;VALUE=URI:https://parley.test/v1/rounds.ics?party=UA&sort=-revision
REFRESH-INTERVAL;VALUE=DURATION:PT1H
X-PUBLISHED-TTL:PT1H
BEGIN:VEVENT
UID:round-geneva-1@parley.test
DTSTAMP:20300504T101112Z
LAST-MODIFIED:20300504T101112Z
SEQUENCE:7
DTSTART;VALUE=DATE:20300502
DTEND;VALUE=DATE:20300504
SUMMARY:First round\; Geneva\, 2 & 3 <May>
DESCRIPTION:They met.\nStatus: held\nat least 390 people from RU to UA\npeo
 ple from UA to RU: number not known
LOCATION:Palais\, Geneva\, CH
GEO:46.2;6.1
STATUS:CONFIRMED
TRANSP:TRANSPARENT
URL:https://parley.test/v1/rounds/geneva-1
END:VEVENT
END:VCALENDAR
`, "\n", "\r\n")
	if diff := cmp.Diff(want, encode(t, render.ICS, render.Lists, meta(), meeting())); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestICSOfNothing: also a calendar in which nothing happens has a component, as it must.
func TestICSOfNothing(t *testing.T) {
	for name, records := range map[string][][]part{"no records": nil, "none that happens": {meeting(part{"uid", nil})}} {
		got := encode(t, render.ICS, render.Lists, meta(), records...)
		if !strings.HasSuffix(got, "BEGIN:VTIMEZONE\r\nTZID:Etc/UTC\r\nBEGIN:STANDARD\r\nDTSTART:19700101T000000\r\nTZOFFSETFROM:+0000\r\nTZOFFSETTO:+0000\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\nEND:VCALENDAR\r\n") {
			t.Errorf("%s: %s", name, got)
		}
	}
}

// TestICSWhen: instants where they are on record, days where they are not, and what became of it.
func TestICSWhen(t *testing.T) {
	began, ended, none := instant("2030-05-02T17:38:00Z"), instant("2030-05-02T18:16:00Z"), part{"ended_at", nil}
	oneDay := part{"ends_on", day("2030-05-02")}
	for _, tt := range []struct {
		name  string
		parts []part
		want  string
	}{
		{"one day", []part{oneDay}, "DTSTART;VALUE=DATE:20300502 DTEND;VALUE=DATE:20300503"},
		{"the last day of a year", []part{{"starts_on", day("2030-12-31")}, {"ends_on", day("2030-12-31")}}, "DTSTART;VALUE=DATE:20301231 DTEND;VALUE=DATE:20310101"},
		{"both times", []part{oneDay, {"started_at", began}, {"ended_at", ended}}, "DTSTART:20300502T173800Z DTEND:20300502T181600Z"},
		{"it is known when it began", []part{oneDay, {"started_at", began}, none}, "DTSTART:20300502T173800Z"},
		{"days, of which the first has a time", []part{{"started_at", began}, none}, "DTSTART;VALUE=DATE:20300502 DTEND;VALUE=DATE:20300504"},
		{"it is known when it ended", []part{oneDay, {"started_at", nil}, {"ended_at", ended}}, "DTSTART;VALUE=DATE:20300502 DTEND;VALUE=DATE:20300503"},
		{"due", []part{{"due_on", day("2030-06-01")}}, "DTSTART;VALUE=DATE:20300601 DTEND;VALUE=DATE:20300602"},
	} {
		var got []string
		for line := range strings.SplitSeq(encode(t, render.ICS, render.Lists, meta(), meeting(tt.parts...)), "\r\n") {
			if strings.HasPrefix(line, "DTSTART") || strings.HasPrefix(line, "DTEND") {
				got = append(got, line)
			}
		}
		if strings.Join(got, " ") != tt.want {
			t.Errorf("%s: %v, want %s", tt.name, got, tt.want)
		}
	}
	for status, want := range map[string]string{"held": "CONFIRMED", "scheduled": "CONFIRMED", "postponed": "TENTATIVE", "cancelled": "CANCELLED"} {
		if got := encode(t, render.ICS, render.Lists, meta(), meeting(part{"status", status})); !strings.Contains(got, "\r\nSTATUS:"+want+"\r\n") {
			t.Errorf("what was %s is not %s: %s", status, want, got)
		}
	}
	if got := encode(t, render.ICS, render.Lists, meta(), meeting(part{"uid", nil})); strings.Contains(got, "VEVENT") {
		t.Errorf("what has no place in a calendar has one: %s", got)
	}
}

// TestICSKeepsTexts: no line is longer than 75 bytes, each is whole characters, and unfolded and unescaped the text is as it was.
func TestICSKeepsTexts(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		title := rapid.StringMatching(`[ -~\nа-яé☃😀]{1,200}`).Draw(r, "title")
		got := encode(t, render.ICS, render.Lists, meta(), meeting(part{"title", title}))
		for line := range strings.SplitSeq(got, "\r\n") {
			if len(line) > 75 || strings.ToValidUTF8(line, "") != line || strings.ContainsAny(line, "\r\n") {
				r.Fatalf("the line %q of %d bytes", line, len(line))
			}
		}
		_, rest, _ := strings.Cut(strings.ReplaceAll(got, "\r\n ", ""), "\r\nSUMMARY:")
		escaped, _, _ := strings.Cut(rest, "\r\n")
		if back := strings.NewReplacer(`\\`, `\`, `\n`, "\n", `\,`, ",", `\;`, ";").Replace(escaped); back != title {
			r.Fatalf("%q became %q", title, back)
		}
	})
}
