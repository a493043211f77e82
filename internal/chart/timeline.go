package chart

import (
	"cmp"
	"math"
	"time"
)

// Timeline is what happened when, in lanes.
type Timeline struct {
	Label string // the text alternative
	Span  Span
	Lanes []Lane
	Lane  int // the height of a lane of blocks, in pixels; 0: 58
}

// Lane is one kind of happenings.
type Lane struct {
	Name  string
	Brief string // the name where there is little room; "": as it is
	Look  int    // of the series with that number
	Marks []Mark
	Sized bool // marks are as high as their numbers, and the lane half as high again; else all are blocks
}

// Mark is one happening.
type Mark struct {
	From, To time.Time // the first day and the last
	Words    string    // what is shown for it on being pointed at
	Link     string    // where it leads; "": nowhere
	Size     *int      // in a lane of sizes; nil: not known
	Planned  bool      // it did not happen then
}

const (
	laneHeight = 58
	leastLane  = 42 // lanes are squeezed before they are left out
	laneBase   = 8  // from the bottom of a lane to its line
	laneName   = 24 // from the top of a lane to the top of the greatest mark
	axisHeight = 22 // of the labels of the years
)

// height is how high a lane is, where one of blocks is so high.
func (l Lane) height(each int) int {
	if l.Sized && each > leastLane {
		return each * 3 / 2
	}
	return each
}

// Within is the timeline in so much height: with lanes that are higher or lower, and without the last ones if need be, whose names
// are left.
func (t Timeline) Within(height int) (fits Timeline, left []string) {
	all := t.Lanes
	for n := len(all); n > 0; n-- {
		t.Lanes = all[:n]
		for t.Lane = 2 * laneHeight; t.Lane >= leastLane; t.Lane-- {
			if t.tall()+axisHeight <= height || n == 1 && t.Lane == leastLane {
				for _, lane := range all[n:] {
					left = append(left, lane.Name)
				}
				return t, left
			}
		}
	}
	return t, nil
}

// tall is how high all lanes are.
func (t Timeline) tall() (sum int) {
	for _, lane := range t.Lanes {
		sum += lane.height(cmp.Or(t.Lane, laneHeight))
	}
	return sum
}

// Draw draws the lanes. A number that is not known is an open circle.
func (t Timeline) Draw() *Drawing {
	each, bottom := cmp.Or(t.Lane, laneHeight), t.tall()
	d := &Drawing{class: "timeline", role: "group", label: t.Label, height: bottom + axisHeight}
	t.Span.years(d, float64(bottom))
	top := 0
	for _, lane := range t.Lanes {
		t.lane(d, lane, float64(top), float64(lane.height(each)))
		top += lane.height(each)
	}
	return d
}

// lane draws a lane that begins at the height of top. Of one whose marks are as high as their numbers it says how high that is.
func (t Timeline) lane(d *Drawing, lane Lane, top, height float64) {
	base, tall := top+height-laneBase, height-laneName-laneBase
	d.line("axis", 0, base, 1, base)
	if lane.Brief == "" {
		d.text("lane", lane.Name, 0, 0, top+14, "")
	} else {
		d.text("lane ample", lane.Name, 0, 0, top+14, "")
		d.text("lane scant", lane.Brief, 0, 0, top+14, "")
	}
	most := 0
	for _, m := range lane.Marks {
		if m.Size != nil {
			most = max(most, *m.Size)
		}
	}
	if lane.Sized && most > 0 {
		d.line("grid", 0, base-tall, 1, base-tall)
		d.text("tick", Thousands(most), 1, 0, base-tall-4, "end")
	}
	for _, m := range lane.Marks {
		d.add(t.mark(lane, m, base, tall, most))
	}
}

// mark draws a happening upon the base of its lane, where the greatest of most is so tall.
func (t Timeline) mark(lane Lane, m Mark, base, tall float64, most int) shape {
	class, x := look(lane.Look), t.Span.at(m.From)
	s := shape{x: x, x2: x, y: base, words: m.Words, link: m.Link}
	switch {
	case lane.Sized && m.Size == nil:
		s.kind, s.class, s.r = circle, "unknown"+class, 3.5
	case lane.Sized:
		s.kind, s.class = line, "stem"+class
		s.y2 = base - math.Max(1.5, tall*float64(*m.Size)/float64(max(1, most)))
	default:
		s.kind, s.class, s.r = rect, "block"+class, 1
		if m.Planned {
			s.class += " planned"
		}
		s.x2 = x + math.Max(t.Span.at(m.To.AddDate(0, 0, 1))-x, 0.008)
		s.y, s.y2 = base-math.Max(6, tall-6), base
	}
	return s
}
