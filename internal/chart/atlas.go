package chart

import (
	_ "embed"
	"errors"
	"fmt"
	"html/template"
	"math"
	"slices"
	"strconv"
	"strings"
)

// land is the land of the earth without its borders, as rings of "longitude,latitude" in degrees, one a line. It is made from the
// 1:110m land of Natural Earth, which is in the public domain, rounded to a tenth of a degree.
//
//go:embed land.txt
var land string

// Atlas draws maps. It holds the outline of the land.
type Atlas struct{ rings [][]point }

type point struct{ x, y float64 } // degrees of longitude and latitude

// NewAtlas reads the outline of the land.
func NewAtlas() *Atlas {
	var a Atlas
	for line := range strings.Lines(land) {
		var ring []point
		for pair := range strings.FieldsSeq(line) {
			lon, lat, _ := strings.Cut(pair, ",")
			x, errX := strconv.ParseFloat(lon, 64)
			y, errY := strconv.ParseFloat(lat, 64)
			if err := errors.Join(errX, errY); err != nil {
				panic(err) // our own file
			}
			ring = append(ring, point{x, y})
		}
		a.rings = append(a.rings, ring)
	}
	return &a
}

// Place is a point on a map.
type Place struct {
	Name     string
	Lat, Lon float64
	Count    int  // how much happened there: the area of its circle
	Vague    bool // the point stands for a region or a country
}

// view is the part of the earth that a map shows, in degrees.
type view struct{ west, south, east, north float64 }

// margin is what is shown around the places, at least, in degrees.
const margin = 5

// around is a view of all places.
func around(places []Place) view {
	v := view{180, 90, -180, -90}
	for _, p := range places {
		v.west, v.east = math.Min(v.west, p.Lon), math.Max(v.east, p.Lon)
		v.south, v.north = math.Min(v.south, p.Lat), math.Max(v.north, p.Lat)
	}
	round := func(x float64) float64 { return 5 * math.Round(x/5) }
	return view{
		math.Max(-180, round(v.west-margin)), math.Max(-85, round(v.south-margin)),
		math.Min(180, round(v.east+margin)), math.Min(85, round(v.north+margin)),
	}
}

// squeeze is how much shorter a degree of longitude is than one of latitude, in the middle of the view.
func (v view) squeeze() float64 { return math.Cos((v.south + v.north) / 2 * math.Pi / 180) }

func (v view) across(lon float64) float64 { return (lon - v.west) / (v.east - v.west) }
func (v view) down(lat float64) float64   { return (v.north - lat) / (v.north - v.south) }

// SVG draws a map of places, in an equirectangular projection.
func (a *Atlas) SVG(label string, places []Place) template.HTML {
	if len(places) == 0 {
		return ""
	}
	v := around(places)
	width, height := (v.east-v.west)*v.squeeze(), v.north-v.south
	d := &svg{}
	d.open("svg", "class", "chart map", "viewBox", "0 0 720 "+short(720*height/width), "role", "img", "aria-label", label)
	h := 720 * height / width
	d.draw("rect", "class", "sea", "width", "720", "height", short(h))
	var path strings.Builder
	for _, ring := range a.rings {
		for i, p := range v.clip(ring) {
			letter := "L"
			if i == 0 {
				letter = "M"
			}
			path.WriteString(letter + strconv.Itoa(int(720*v.across(p.x))) + " " + strconv.Itoa(int(h*v.down(p.y))))
		}
	}
	d.draw("path", "class", "land", "d", path.String())
	v.graticule(d, h)
	var taken []box
	var spots []spot
	most := 1
	for _, p := range places {
		most = max(most, p.Count)
	}
	for _, p := range slices.SortedStableFunc(slices.Values(places), func(a, b Place) int { return b.Count - a.Count }) {
		class := "place"
		if p.Vague {
			class += " vague"
		}
		x, y, r := 720*v.across(p.Lon), h*v.down(p.Lat), 5+17*math.Sqrt(float64(p.Count)/float64(most))
		d.open("circle", "class", class, "cx", short(x), "cy", short(y), "r", short(r))
		d.open("title")
		d.words(fmt.Sprintf("%s: %d", p.Name, p.Count))
		d.shut("title")
		d.shut("circle")
		taken = append(taken, box{x - r, y - r, x + r, y + r})
		spots = append(spots, spot{p.Name, x, y, r})
	}
	for _, s := range spots {
		taken = s.label(d, taken, h)
	}
	return d.done()
}

// box is a part of the drawing that is taken.
type box struct{ left, top, right, bottom float64 }

func (b box) meets(o box) bool {
	return b.left < o.right && o.left < b.right && b.top < o.bottom && o.top < b.bottom
}

// spot is a circle that wants a label.
type spot struct {
	name    string
	x, y, r float64
}

// label writes the name beside the circle, where it meets nothing, be the letters as large as they are on the smallest screen;
// nowhere, if there is no room: it is shown on being pointed at, and stands in the table.
func (s spot) label(d *svg, taken []box, height float64) []box {
	const letter, line = 14, 28
	width := letter * float64(len([]rune(s.name)))
	for _, at := range []struct {
		x, y   float64
		anchor string
		left   float64
	}{
		{s.x + s.r + 5, s.y, "start", s.x + s.r + 5},
		{s.x - s.r - 5, s.y, "end", s.x - s.r - 5 - width},
		{s.x, s.y + s.r + 14, "middle", s.x - width/2},
		{s.x, s.y - s.r - 14, "middle", s.x - width/2},
	} {
		b := box{at.left, at.y - line/2, at.left + width, at.y + line/2}
		free := b.left >= 0 && b.right <= 720 && b.top >= 0 && b.bottom <= height
		for _, other := range taken {
			free = free && (!b.meets(other) || other == box{s.x - s.r, s.y - s.r, s.x + s.r, s.y + s.r})
		}
		if free {
			d.text(s.name, "class", "label", "x", short(at.x), "y", short(at.y), "dy", ".35em", "text-anchor", at.anchor)
			return append(taken, b)
		}
	}
	return taken
}

// graticule draws every tenth degree, and says which it is.
func (v view) graticule(d *svg, h float64) {
	for lon := math.Ceil(v.west/10) * 10; lon <= v.east; lon += 10 {
		x := short(720 * v.across(lon))
		d.draw("line", "class", "grid", "x1", x, "x2", x, "y1", "0", "y2", short(h))
		if lon > v.west && lon < v.east {
			d.text(degrees(lon, "E", "W"), "class", "tick", "x", x, "dx", "3", "y", short(h-5))
		}
	}
	for lat := math.Ceil(v.south/10) * 10; lat <= v.north; lat += 10 {
		y := short(h * v.down(lat))
		d.draw("line", "class", "grid", "x1", "0", "x2", "720", "y1", y, "y2", y)
		if lat > v.south && lat < v.north {
			d.text(degrees(lat, "N", "S"), "class", "tick", "x", "3", "y", y, "dy", "-3")
		}
	}
}

func degrees(x float64, positive, negative string) string {
	switch {
	case x > 0:
		return short(x) + "°" + positive
	case x < 0:
		return short(-x) + "°" + negative
	default:
		return "0°"
	}
}

// clip cuts a ring down to the view, edge by edge (Sutherland and Hodgman).
func (v view) clip(ring []point) []point {
	edges := []func(point) float64{ // how far inside a point lies
		func(p point) float64 { return p.x - v.west },
		func(p point) float64 { return v.east - p.x },
		func(p point) float64 { return p.y - v.south },
		func(p point) float64 { return v.north - p.y },
	}
	for _, inside := range edges {
		var kept []point
		for i, p := range ring {
			before := ring[(i+len(ring)-1)%len(ring)]
			a, b := inside(before), inside(p)
			if (a < 0) != (b < 0) {
				t := a / (a - b)
				kept = append(kept, point{before.x + t*(p.x-before.x), before.y + t*(p.y-before.y)})
			}
			if b >= 0 {
				kept = append(kept, p)
			}
		}
		ring = kept
	}
	return ring
}
