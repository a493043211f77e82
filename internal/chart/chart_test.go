package chart

import (
	"encoding/xml"
	"errors"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// classes counts the elements of a drawing by the words of their classes. The drawing must be well-formed.
func classes(t interface{ Fatal(...any) }, drawing string) map[string]int {
	n := map[string]int{}
	for d := xml.NewDecoder(strings.NewReader(drawing)); ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return n
		} else if err != nil {
			t.Fatal(err, drawing)
		}
		if e, ok := token.(xml.StartElement); ok {
			for _, a := range e.Attr {
				if a.Name.Local == "class" {
					for word := range strings.FieldsSeq(a.Value) {
						n[word]++
					}
				}
			}
		}
	}
}

// TestBar: what is not known is never drawn as a number, and a lower bound never as an exact one.
func TestBar(t *testing.T) {
	for _, c := range []struct {
		name       string
		bar        Bar
		want, none []string
	}{
		{"exact", Bar{Target: new(1000), Delivered: new(500), Low: new(500), High: new(500)}, []string{"promise", "delivered", "mark"}, []string{"open", "disputed", "mystery", "zero", "loose"}},
		{"at least", Bar{Target: new(1000), Delivered: new(250), Low: new(250), AtLeast: true, Loose: true}, []string{"delivered", "open", "loose"}, []string{"disputed", "mystery", "zero"}},
		{"disputed", Bar{Target: new(500), Delivered: new(500), Low: new(400), High: new(500)}, []string{"delivered", "disputed"}, []string{"open", "mystery"}},
		{"disputed, and open above", Bar{Target: new(7), Delivered: new(5), Low: new(3), AtLeast: true}, []string{"delivered", "disputed", "open"}, []string{"mystery"}},
		{"not known", Bar{Target: new(1000)}, []string{"promise", "mystery", "mark"}, []string{"delivered", "zero", "open"}},
		{"none on record", Bar{Target: new(1000), Delivered: new(0), Low: new(0), High: new(0)}, []string{"promise", "zero"}, []string{"delivered", "mystery"}},
		{"nothing promised", Bar{Delivered: new(74), Low: new(74), High: new(74)}, []string{"bar"}, []string{"promise", "mark", "delivered", "mystery"}},
		{"nothing promised in this direction", Bar{Delivered: new(74), Low: new(74), High: new(74), Beside: 3000}, []string{"delivered"}, []string{"promise", "mark"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			n := classes(t, string(c.bar.Draw().SVG()))
			for _, class := range c.want {
				if n[class] == 0 {
					t.Errorf("there is no %s: %s", class, c.bar.Draw().SVG())
				}
			}
			for _, class := range c.none {
				if n[class] > 0 {
					t.Errorf("there is a %s: %s", class, c.bar.Draw().SVG())
				}
			}
		})
	}
}

// TestBarStaysInside, whatever the numbers.
func TestBarStaysInside(t *testing.T) {
	width := regexp.MustCompile(`x="([\d.]+)%" width="([\d.]+)%"|x="0" width="([\d.]+)%"`)
	rapid.Check(t, func(t *rapid.T) {
		number := func(name string) *int {
			return rapid.Ptr(rapid.IntRange(0, 1<<30), true).Draw(t, name)
		}
		b := Bar{Target: number("target"), Delivered: number("delivered"), Low: number("low"), High: number("high"), AtLeast: rapid.Bool().Draw(t, "at least")}
		drawing := string(b.Draw().SVG())
		n := classes(t, drawing)
		if (b.Delivered == nil) != (n["mystery"] > 0) {
			t.Fatal(drawing)
		}
		for _, match := range width.FindAllStringSubmatch(drawing, -1) {
			sum := 0.0
			for _, text := range match[1:] {
				x, _ := strconv.ParseFloat(text, 64)
				sum += x
			}
			if sum > 101.7 { // the least that is seen of a span may stand out
				t.Fatalf("%v in %s", match, drawing)
			}
		}
	})
}

func month(year int, m time.Month, total, unknown, fresh int) Period {
	first := time.Date(year, m, 1, 0, 0, 0, 0, time.UTC)
	return Period{From: first, To: first.AddDate(0, 1, -1), Known: true, Total: total, Low: total, High: total, AtLeast: unknown > 0, New: fresh}
}

func TestSteps(t *testing.T) {
	span := Span{time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2025, 4, 30, 0, 0, 0, 0, time.UTC)}
	c := Steps{Label: "A & B <c>", Span: span, Series: []Series{
		{"Exact", "", []Period{month(2025, 1, 10, 0, 0), month(2025, 2, 20, 0, 0)}},
		{"Bound", "", []Period{month(2025, 1, 5, 0, 0), month(2025, 2, 5, 1, 1), month(2025, 3, 9, 1, 0)}},
		{"Nothing", "", nil},
	}}
	drawing := string(c.Draw().SVG())
	n := classes(t, drawing)
	if n["bound"] != 1 || n["unknown"] != 1 {
		t.Errorf("%d lower bounds and %d months without a figure are drawn, want 1 and 1", n["bound"], n["unknown"])
	}
	for _, words := range []string{"Exact 20", "Bound at least 9", "Nothing: no figure on record", "A &amp; B &lt;c&gt;"} {
		if !strings.Contains(drawing, words) {
			t.Errorf("the drawing does not say %q", words)
		}
	}
	if n["band"] != 0 || n["ends"] != 0 {
		t.Errorf("a band or an end is drawn where there is none: %s", drawing)
	}
	// An exact line goes to 20, one height above the other; the bound begins where the exact part ended.
	one, two := c.Series[1].ways(span, func(total int) float64 { return float64(100 - total) })
	if exact, rest := along(one, stretch), along(two, stretch); exact != "M0 100V95H258.33" || rest != "M258.33 95H491.67V91H750" {
		t.Errorf("the line is %s and %s", exact, rest)
	}
}

// TestStepsSayWhatIsNotKnown: what is disputed is a band, what has no figure no line, and no line goes on after the end.
func TestStepsSayWhatIsNotKnown(t *testing.T) {
	span := Span{time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2025, 4, 30, 0, 0, 0, 0, time.UTC)}
	disputed := month(2025, 2, 20, 0, 0)
	disputed.Low, disputed.High = 15, 30
	c := Steps{Span: span, End: End{time.Date(2025, 2, 28, 0, 0, 0, 0, time.UTC), "records end"}, Series: []Series{
		{"Disputed", "reported: 15 to 30", []Period{month(2025, 1, 10, 0, 0), disputed}},
		{"Nothing", "", []Period{{From: span.From, To: span.From.AddDate(0, 1, -1), AtLeast: true, New: 1}}},
	}}
	drawing := string(c.Draw().SVG())
	n := classes(t, drawing)
	if n["band"] != 1 || n["ends"] != 1 || n["bound"] != 0 || n["unknown"] != 1 {
		t.Errorf("drawn are %v", n)
	}
	for _, words := range []string{"Disputed 20", "reported: 15 to 30", "Nothing: no figure on record", "records end"} {
		if !strings.Contains(drawing, words) {
			t.Errorf("the drawing does not say %q", words)
		}
	}
	if band := along(c.Series[0].band(span, func(total int) float64 { return float64(100 - total) }), stretch); band != "M258.33 85H491.67V70H258.33" {
		t.Errorf("the band is %s", band)
	}
}

func TestTimeline(t *testing.T) {
	at := time.Date(2025, 5, 16, 0, 0, 0, 0, time.UTC)
	drawing := string(Timeline{Span: Span{at.AddDate(0, -1, 0), at.AddDate(0, 1, 0)}, Lanes: []Lane{
		{Name: "Rounds", Marks: []Mark{{From: at, To: at, Words: "held", Link: "/rounds/a"}, {From: at, To: at, Words: "not held", Planned: true}}},
		{Name: "Exchanges", Sized: true, Marks: []Mark{{From: at, To: at, Size: new(390)}, {From: at, To: at}, {From: at, To: at, Size: new(0)}}},
	}}.Draw().SVG())
	n := classes(t, drawing)
	if n["block"] != 2 || n["planned"] != 1 || n["stem"] != 2 || n["unknown"] != 1 {
		t.Errorf("drawn are %v", n)
	}
	if strings.Contains(drawing, "NaN") || !strings.Contains(drawing, `<a href="/rounds/a" aria-label="held">`) || !strings.Contains(drawing, ">390</text>") {
		t.Error(drawing)
	}
}

// TestStemsAreInProportion: a number that is half as great is drawn half as high.
func TestStemsAreInProportion(t *testing.T) {
	at := time.Date(2025, 5, 16, 0, 0, 0, 0, time.UTC)
	timeline := Timeline{Span: Span{at, at}, Lanes: []Lane{{Name: "Exchanges", Sized: true, Marks: []Mark{{From: at, To: at, Size: new(390)}, {From: at, To: at, Size: new(195)}}}}}
	var heights []float64
	for _, s := range timeline.Draw().shapes {
		if strings.HasPrefix(s.class, "stem") {
			heights = append(heights, s.y-s.y2)
		}
	}
	if len(heights) != 2 || heights[0] != 2*heights[1] || heights[0] < 40 {
		t.Errorf("390 and 195 are drawn %v high", heights)
	}
}

// TestTimelineWithin: a timeline that is put somewhere fits there, if only a lane does.
func TestTimelineWithin(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var timeline Timeline
		for _, sized := range rapid.SliceOfN(rapid.Bool(), 1, 8).Draw(t, "lanes") {
			timeline.Lanes = append(timeline.Lanes, Lane{Sized: sized})
		}
		height := rapid.IntRange(100, 900).Draw(t, "height")
		within, left := timeline.Within(height)
		if within.Draw().height > height || len(within.Lanes)+len(left) != len(timeline.Lanes) {
			t.Fatalf("%d lanes of %d are %d high, not %d, and %d are left", len(within.Lanes), within.Lane, within.Draw().height, height, len(left))
		}
	})
}

// TestYearsStandApart: the labels of the years neither touch each other nor leave the drawing, also on the smallest screen.
func TestYearsStandApart(t *testing.T) {
	const wide = 32 // of four digits, in pixels
	rapid.Check(t, func(t *rapid.T) {
		from := time.Date(2020, time.Month(rapid.IntRange(1, 12).Draw(t, "month")), 1, 0, 0, 0, 0, time.UTC)
		span := Span{from, from.AddDate(0, rapid.IntRange(1, 500).Draw(t, "months"), -1)}
		width := rapid.SampledFrom([]float64{284, 700, 1020}).Draw(t, "width")
		var d Drawing
		span.years(&d, 100)
		end := 0.0
		for _, s := range d.shapes {
			if s.kind != text {
				continue
			}
			left := width*s.x + s.dx - map[string]float64{"middle": wide / 2, "end": wide}[s.anchor]
			if left < end || left+wide > width+1 {
				t.Fatalf("%s stands from %.0f to %.0f of %.0f, after one that ends at %.0f", s.words, left, left+wide, width, end)
			}
			end = left + wide
		}
		if end == 0 {
			t.Fatal("there is no label")
		}
	})
}

// TestAtlas: places anywhere on the earth are on their map, and no label stands on another.
func TestAtlas(t *testing.T) {
	a := NewAtlas()
	if len(a.rings) < 100 {
		t.Fatalf("only %d pieces of land", len(a.rings))
	}
	rapid.Check(t, func(t *rapid.T) {
		places := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Place {
			return Place{Name: "<Somewhere>", Lat: rapid.Float64Range(-80, 80).Draw(t, "lat"), Lon: rapid.Float64Range(-180, 180).Draw(t, "lon"), Count: rapid.IntRange(0, 99).Draw(t, "count")}
		}), 1, 20).Draw(t, "places")
		v := around(places)
		for _, p := range places {
			if x, y := v.across(p.Lon), v.down(p.Lat); x < 0 || x > 1 || y < 0 || y > 1 {
				t.Fatalf("%v is not in %v", p, v)
			}
		}
		for _, ring := range a.rings {
			for _, p := range v.clip(ring) {
				if p.x < v.west-1e-6 || p.x > v.east+1e-6 || p.y < v.south-1e-6 || p.y > v.north+1e-6 {
					t.Fatalf("%v is not in %v", p, v)
				}
			}
		}
		drawing := string(a.SVG("a map", places))
		if n := classes(t, drawing); n["place"] != len(places) || strings.Contains(drawing, "NaN") {
			t.Fatalf("%d places are drawn, want %d", n["place"], len(places))
		}
	})
	crowd := slices.Repeat([]Place{{Name: "The same place", Lat: 41, Lon: 29, Count: 1}}, 9)
	if n := classes(t, string(a.SVG("a crowd", crowd))); n["label"] > 4 {
		t.Errorf("%d labels at one place", n["label"])
	}
	if a.SVG("nothing", nil) != "" {
		t.Error("a map of nothing")
	}
}

func TestTicks(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		most := rapid.IntRange(1, 1<<31).Draw(t, "most")
		all := ticks(most)
		if all[0] != 0 || all[len(all)-1] > most || len(all) < 2 || len(all) > 6 {
			t.Fatal(most, all)
		}
	})
}

func TestThousands(t *testing.T) {
	for n, want := range map[int]string{0: "0", 7: "7", 999: "999", 1000: "1,000", 22845: "22,845", 1234567: "1,234,567", -200: "-200", -1060: "-1,060"} {
		if got := Thousands(n); got != want {
			t.Errorf("%d is %s, want %s", n, got, want)
		}
	}
}
