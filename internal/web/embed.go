package web

import (
	"cmp"
	"fmt"
	"html"
	"slices"
	"strings"

	"github.com/parley-api/parley/internal/chart"
	"github.com/parley-api/parley/internal/talks"
)

// Embed is a view for the pages of others: of the answer to a query, or of one record, with all that it needs to stand alone.
type Embed struct {
	View    string
	Kicker  string // what kind of view it is; "": its title says so
	Title   string
	Deck    string   // how to read it
	Key     string   // more of that, where there is no legend
	Asked   string   // the query in words; "": everything
	Link    string   // the page that shows more of it
	Sources Cited    // of the records that it shows
	Left    []string // what is left out, and why
	Theme   chart.Theme

	// What it shows is one of these.
	Timeline *chart.Timeline
	Events   []talks.Event // of the timeline, newest first
	Steps    *Steps
	Ledger   []LedgerRow
	Facts    []Fact // of a record, with
	Summary  string
	None     string // there is nothing to show: why
}

// Fact is something about a record in a few words.
type Fact struct{ Label, Text string }

// Cited are the publishers of sources, the most cited first.
type Cited struct {
	Publishers []string
	More       bool // of more sources than were looked through
}

// mostNamed is how many publishers are named; the others are counted.
const mostNamed = 4

// String is the publishers in words.
func (c Cited) String() string {
	named := make([]string, 0, mostNamed)
	for _, name := range c.Publishers[:min(mostNamed, len(c.Publishers))] {
		named = append(named, isolated(shorten(name, 40)))
	}
	text := strings.Join(named, ", ")
	if others := len(c.Publishers) - len(named); others > 0 && c.More {
		text += fmt.Sprintf(" and more than %d others", others)
	} else if others > 0 {
		text += " and " + plural(others, "other", "others")
	}
	if text == "" {
		return "none on record"
	}
	return text
}

// Stamp is what an embed says of its data: of which moment it is, whose sources it has, and on which terms it may be used.
func (e Embed) Stamp(f Frame) []string {
	recorded := "Revision " + fmt.Sprint(f.Revision)
	if f.RecordedAt != nil {
		recorded += ", recorded " + moment(*f.RecordedAt)
	}
	if f.ReportedBy != "" {
		recorded += "; figures as " + f.Names.Of("parties", f.ReportedBy) + " gave them"
	}
	return []string{recorded + ".", "Sources: " + e.Sources.String() + ".", f.Attribution + ", CC BY 4.0"}
}

// Embed makes the page of an embed.
func (s *Site) Embed(f Frame, e Embed) ([]byte, error) { return s.page("embed", f, e) }

// EmbedAs is the path of the embed as a file, by its extension.
func EmbedAs(path, extension string) string {
	path, query, _ := strings.Cut(path, "?")
	if query != "" {
		query = "?" + query
	}
	return path + extension + query
}

// Snippet is the lines by which the page's embed is shown in a page of somebody else.
func (f Frame) Snippet() string {
	return Snippet(f.Base, f.Embed, cmp.Or(shorten(f.Title, 120), "The Russia–Ukraine talks"), "100%", 480) + "\n" + `<script src="` + html.EscapeString(f.Base) + `/assets/embed.js" async></script>`
}

// Snippet is the frame in which an embed is shown.
func Snippet(base, path, title, width string, height int) string {
	return fmt.Sprintf(`<iframe src="%s" title="%s" width="%s" height="%d" loading="lazy" frameborder="0"></iframe>`, html.EscapeString(base+path), html.EscapeString(title), width, height)
}

// eventTypes are what kinds of happenings are called in a timeline, with the number of their look.
var eventTypes = map[string]struct {
	name string
	look int
}{
	"round": {"Rounds of talks", 0}, "prisoner_exchange": {"Prisoner exchanges, people", 1}, "body_repatriation": {"Repatriations, bodies", 2},
	"proposal": {"Proposals", 3}, "commitment": {"Commitments", 3}, "due_date": {"Days by which something is due", 3}, "claim": {"Claims", 3},
}

// NewTimeline draws events in a lane for each of their types. Rounds have statuses, by their ids.
func NewTimeline(f Frame, events []talks.Event, statuses map[string]string) *chart.Timeline {
	var lanes []chart.Lane
	for _, kind := range talks.EventTypes {
		is := eventTypes[kind]
		lane := chart.Lane{Name: is.name, Look: is.look, Sized: kind == "prisoner_exchange" || kind == "body_repatriation"}
		for _, e := range events {
			switch {
			case e.Type != kind:
			case lane.Sized:
				lane.Marks = append(lane.Marks, sized(e))
			default:
				m := chart.Mark{From: date(e.Date), To: date(e.EndsOn), Words: day(e.Date) + ": " + shorten(e.Title, 140), Link: f.Link(e.Collection, e.Record)}
				if status := statuses[e.Record]; status != "" {
					m.Words, m.Planned = shorten(e.Title, 140)+" ("+words(status)+")", status != "held"
				}
				lane.Marks = append(lane.Marks, m)
			}
		}
		if lane.Marks != nil {
			lanes = append(lanes, lane)
		}
	}
	span, ok := spanOf(lanes)
	if !ok {
		return nil
	}
	return &chart.Timeline{Label: "Timeline. The table below has the same.", Span: span, Lanes: lanes}
}

// Describes is the summary of a record in the facts of an embed.
func (e *Embed) Describes(names Names, collection string, value any) {
	e.Title, e.Summary = Describe(names, value)
	e.Kicker = capital(Noun(collection))
	add := func(label, text string) {
		if text != "" {
			e.Facts = append(e.Facts, Fact{label, text})
		}
	}
	switch v := value.(type) {
	case talks.Round:
		add("When", days(v.StartsOn, v.EndsOn))
		add("Where", place(names, v.City, v.Country))
		add("Status", words(v.Status))
		if length := NewFigure(v.DurationMinutes, v.DurationLow, v.DurationHigh, v.DurationStatus, "").In("minutes"); length.Class != "unknown" {
			add("Talks proper", length.String())
		}
		for _, d := range v.Delegations {
			add(names.Of("parties", d.Party), delegation(d))
		}
		add("On record", plural(len(v.Proposals), "proposal", "proposals")+", "+plural(len(v.Commitments), "commitment", "commitments")+", "+claims(v.Claims))
	case talks.PrisonerExchange:
		add("Where", place(names, v.Place, v.Country))
		for _, t := range v.Transfers {
			add(Direction(names, &t.From, &t.To), NewFigure(t.Total, t.TotalLow, t.TotalHigh, t.TotalStatus, "").In("people").String())
		}
		add("Mediators", mediators(names, v.Mediators))
	case talks.Commitment:
		add("Status", words(v.Status))
	case talks.PublishedTotal:
		add("Whose figure", whose(names, v))
		add("What is counted", counted(v))
		add("Direction", directions(names, v))
		add("Sum of the records", sumBeside(v))
		e.Summary = "" // the facts say it
	case talks.BodyRepatriation:
		add("Where", place(names, v.Place, v.Country))
		for _, t := range v.Transfers {
			add(Direction(names, &t.From, &t.To), NewFigure(t.Total, t.TotalLow, t.TotalHigh, t.TotalStatus, "").In("bodies").String())
		}
		add("Mediators", mediators(names, v.Mediators))
	}
}

// String is the figure in words, with its unit and what more there is to say.
func (f Figure) String() string {
	text := f.Text
	if f.Unit != "" {
		text += " " + f.Unit
	}
	if f.Detail != "" {
		text += " (" + f.Detail + ")"
	}
	return text
}

func place(names Names, city, country *string) string {
	var parts []string
	if city != nil {
		parts = append(parts, isolated(shorten(*city, 80)))
	}
	if country != nil {
		parts = append(parts, names.Of("parties", *country))
	}
	return strings.Join(parts, ", ")
}

func mediators(names Names, parties []string) string {
	if len(parties) == 0 {
		return ""
	}
	return list(names, parties)
}

// delegation is who led it, and how many are on record.
func delegation(d talks.RoundDelegation) string {
	text := "head not on record"
	if i := slices.IndexFunc(d.Members, func(m talks.Member) bool { return d.Head != nil && m.Person == *d.Head }); i >= 0 {
		text = "led by " + isolated(shorten(d.Members[i].Name, 60))
	}
	return text + "; " + plural(len(d.Members), "member named", "members named")
}

func claims(all []talks.RoundClaim) string {
	disputed := 0
	for _, c := range all {
		if c.Status == "disputed" {
			disputed++
		}
	}
	text := plural(len(all), "claim", "claims")
	if disputed > 0 {
		text += fmt.Sprintf(" (%d disputed)", disputed)
	}
	return text
}
