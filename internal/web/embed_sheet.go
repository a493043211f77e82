package web

import (
	"cmp"
	"math"
	"strings"

	"golang.org/x/text/unicode/bidi"

	"github.com/parley-api/parley/internal/chart"
	"github.com/parley-api/parley/internal/talks"
)

// isolated keeps a text that is written from right to left from turning what stands around it.
func isolated(text string) string {
	for _, r := range text {
		p, _ := bidi.LookupRune(r)
		if c := p.Class(); c == bidi.R || c == bidi.AL {
			return "\u2068" + text + "\u2069"
		}
	}
	return text
}

// The size of a sheet, in pixels. Unless it is given, a sheet is as tall as what it shows.
const (
	MinWidth, UsualWidth, MaxWidth = 280, 720, 1600
	MinHeight, MaxHeight           = 160, 1600
)

// sheet is an embed on its way to paper.
type sheet struct {
	*chart.Sheet
	left, width, y, bottom float64 // of what may be drawn upon; bottom is endless where the height is not given
}

// lines writes a text in lines, and goes on below.
func (s *sheet) lines(class, text string, left, width float64, most int) {
	size := s.Size(class)
	for _, line := range s.Wrap(class, shorten(text, 600), width, most) {
		s.y += math.Ceil(1.25 * size)
		s.Text(class, line, left, s.y-math.Round(0.3*size), "")
	}
}

// room reports whether there is so much left.
func (s *sheet) room(height float64) bool { return s.y+height <= s.bottom }

// Sheet draws an embed with a size; height 0: as tall as it needs to be.
func (s *Site) Sheet(f Frame, e Embed, width, height int) *chart.Sheet {
	pad := 16.0
	if width < 400 {
		pad = 12
	}
	p := &sheet{Sheet: s.painter.Sheet(e.Title, float64(width)), left: pad, width: float64(width) - 2*pad, y: pad, bottom: math.Inf(1)}
	p.Margin = pad
	p.About = strings.Join(e.Stamp(f), " ") + " " + f.Base + f.Permalink
	stamp := p.stamp(f, e)
	if height > 0 {
		p.bottom = float64(height) - pad - stamp.tall
	}
	p.head(e)
	p.contents(f, e)
	for _, left := range e.Left {
		if p.room(16) {
			p.lines("stamp", left, p.left, p.width, 2)
		}
	}
	p.Height = math.Max(p.y+pad/2+stamp.tall+pad, MinHeight)
	if height > 0 {
		p.Height = float64(height)
	}
	stamp.write(p, p.Height-pad-stamp.tall)
	return p.Sheet
}

func (s *sheet) head(e Embed) {
	title, most, deck := "title", 3, 6
	switch {
	case s.width < 420:
		title = "title small"
	case e.Kicker != "": // a card: there is room
		title = "title great"
	}
	if s.bottom < 400 && e.Kicker == "" {
		most, deck = 2, 3
	}
	if e.Kicker != "" {
		s.lines("kicker", e.Kicker, s.left, s.width, 1)
	}
	s.lines(title, e.Title, s.left, s.width, most)
	if e.Asked != "" {
		s.lines("deck strong", e.Asked, s.left, s.width, 2)
	}
	if read := strings.TrimSpace(e.Deck + " " + e.Key); read != "" && s.room(220) {
		s.lines("deck", read, s.left, s.width, deck)
	}
	s.y += 6
}

func (s *sheet) contents(f Frame, e Embed) {
	switch {
	case e.None != "":
		s.lines("deck", e.None, s.left, s.width, 3)
	case e.Timeline != nil:
		s.timeline(*e.Timeline)
	case e.Steps != nil:
		s.steps(*e.Steps)
	case e.Ledger != nil:
		s.ledger(f.Names, e.Ledger)
	default:
		s.facts(e)
	}
}

// place puts a drawing below what there is.
func (s *sheet) place(d *chart.Drawing) {
	s.Place(d, s.left, s.y, s.width)
	s.y += d.Tall()
}

func (s *sheet) timeline(t chart.Timeline) {
	var left []string
	if room := s.bottom - s.y; !math.IsInf(room, 1) {
		whole := t
		if t, left = whole.Within(int(room)); left != nil {
			t, left = whole.Within(int(room) - 18)
		}
	}
	s.place(t.Draw())
	if left != nil {
		s.y += 2
		s.lines("stamp", "No room for "+strings.Join(left, "; ")+".", s.left, s.width, 1)
	}
}

func (s *sheet) steps(t Steps) {
	c := t.Drawn
	if room := s.bottom - s.y; !math.IsInf(room, 1) {
		c.Height = int(math.Max(60, room-24))
	}
	s.place(c.Draw())
	s.y += 4
}

// ledger draws rows as long as there is room, and counts the others.
func (s *sheet) ledger(names Names, rows []LedgerRow) {
	wide := s.width >= 520
	for i, r := range rows {
		head, row := 0.0, 44.0
		var title []string
		if r.First {
			said := isolated(r.C.Summary)
			if r.C.AgreedOn != nil {
				said = day(*r.C.AgreedOn) + ": " + said
			}
			title = s.Wrap("strong", shorten(said, 400), s.width, 2)
			head = 10 + 17*float64(len(title))
		}
		if !wide {
			row = 78
		}
		rest := 0.0 // of the line that counts the others
		if i < len(rows)-1 {
			rest = 18
		}
		if !s.room(head + row + rest) {
			s.lines("stamp", "And "+plural(len(rows)-i, "more line", "more lines")+".", s.left, s.width, 1)
			return
		}
		if r.First {
			s.Line("rule", s.left, s.y+3, s.left+s.width, s.y+3)
			s.y += 8
			for _, line := range title {
				s.y += 17
				s.Text("strong", line, s.left, s.y-4, "")
			}
			s.y += 2
		}
		s.delivered(names, r, wide)
	}
}

// delivered draws one direction of a commitment.
func (s *sheet) delivered(names Names, r LedgerRow, wide bool) {
	p := r.P
	way, said, standing := cmp.Or(Direction(names, p.From, p.To), "no direction"), Delivered(p), Standing(p)
	if wide {
		bar, text := s.left+0.26*s.width, s.left+0.62*s.width
		s.Place(Bar(names, r.C, p).Draw(), bar, s.y, 0.34*s.width)
		s.Text("deck", s.one("deck", way, 0.25*s.width), s.left, s.y+19, "")
		s.Text("body", s.one("body", said, 0.38*s.width), text, s.y+19, "")
		s.Text("stamp", s.one("stamp", standing, 0.38*s.width), text, s.y+35, "")
		s.y += 44
		return
	}
	s.Text("deck", s.one("deck", way, s.width), s.left, s.y+14, "")
	s.Place(Bar(names, r.C, p).Draw(), s.left, s.y+14, s.width)
	s.Text("body", s.one("body", said, s.width), s.left, s.y+56, "")
	s.Text("stamp", s.one("stamp", standing, s.width), s.left, s.y+71, "")
	s.y += 78
}

// one is as much of a text as stands in one line.
func (s *sheet) one(class, text string, width float64) string {
	return strings.Join(s.Wrap(class, text, width, 1), "")
}

// Delivered is what is on record as delivered, of what was promised, in words.
func Delivered(p talks.Progress) string {
	text := "no figure on record"
	if p.Delivered != nil {
		text = hedged(*p.Delivered, p.DeliveredQualifier)
	}
	if p.Target != nil {
		text += " of " + hedged(*p.Target, p.Qualifier)
	}
	text += " " + p.Unit
	if between := disputed(p); between != "" {
		text += " (" + between + ")"
	}
	return text
}

// Standing is how a promise stands in one direction, in words, and what is missing that would tell more.
func Standing(p talks.Progress) string {
	text := "nothing promised"
	if p.Status != nil {
		text = words(*p.Status)
	}
	switch {
	case p.Delivered == nil && p.Events == 0 && strings.HasPrefix(p.InWords, text):
		return p.InWords
	case p.Delivered == nil && p.Events == 0:
		text += "; " + p.InWords
	}
	if p.UnknownCount > 0 {
		text += "; " + plural(p.UnknownCount, "event has", "events have") + " no figure"
	}
	return text
}

// disputed says between which bounds what was delivered is disputed; "" if it is not.
func disputed(p talks.Progress) string {
	low, high := p.DeliveredLow, p.DeliveredHigh
	if low == nil || high != nil && *low == *high || high == nil && (p.Delivered == nil || *low >= *p.Delivered) {
		return ""
	}
	return "disputed: " + bounds(low, high)
}

func (s *sheet) facts(e Embed) {
	const label = 120
	for _, fact := range e.Facts {
		if !s.room(20) {
			return
		}
		top := s.y
		s.lines("deck", fact.Label, s.left, label-8, 1)
		s.y = top
		s.lines("body", fact.Text, s.left+label, s.width-label, 2)
		s.y += 3
	}
	s.y += 4
	if most := int(math.Min(6, (s.bottom-s.y)/17)); e.Summary != "" && most > 0 {
		s.lines("body", e.Summary, s.left, s.width, most)
	}
}

// stamp is what stands below.
type stamp struct {
	lines []string
	tall  float64
}

const stampLine = 14

func (s *sheet) stamp(f Frame, e Embed) stamp {
	var all []string
	host := f.Base[strings.Index(f.Base, "//")+2:]
	said := e.Stamp(f)
	said[len(said)-1] += " · " + host
	for _, one := range said {
		all = append(all, s.Wrap("stamp", one, s.width, 2)...)
	}
	return stamp{all, stampLine*float64(len(all)) + 6}
}

func (t stamp) write(s *sheet, top float64) {
	s.Line("rule", s.left, top, s.left+s.width, top)
	for i, line := range t.lines {
		s.Text("stamp", line, s.left, top+6+stampLine*float64(i+1)-3, "")
	}
}
