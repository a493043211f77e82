package query

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Box is a part of the earth between two meridians and two parallels, its edges included, in degrees (RFC 7946, section 5).
// One that crosses the antimeridian has its west east of its east.
type Box struct{ West, South, East, North float64 }

// Crosses reports whether the box crosses the antimeridian.
func (b Box) Crosses() bool { return b.West > b.East }

func (b Box) String() string {
	var text []byte
	for i, x := range []float64{b.West, b.South, b.East, b.North} {
		if i > 0 {
			text = append(text, ',')
		}
		text = strconv.AppendFloat(text, x, 'f', -1, 64)
	}
	return string(text)
}

// inOrder says how a box is written.
const inOrder = "west,south,east,north in degrees, such as 22,44.3,40.3,52.4"

// box understands a box. It returns it as all its spellings share it.
func (p *parser) box(value string) string {
	parts := strings.Split(value, ",")
	if len(parts) != 4 {
		p.fault("bbox", fmt.Sprintf("has %d numbers; it is %s", len(parts), inOrder))
		return value
	}
	var x [4]float64
	for i, part := range parts {
		var err error
		if x[i], err = parseNumber(part, 64); err != nil {
			p.fault("bbox", fmt.Sprintf("%.40q is not a number; it is %s", part, inOrder))
			return value
		}
	}
	b := Box{x[0], x[1], x[2], x[3]}
	fault := Fault{Parameter: "bbox"}
	switch swapped := (Box{b.South, b.West, b.North, b.East}); {
	case !b.within() && swapped.within() && swapped.South <= swapped.North:
		fault.Reason, fault.Suggestion = "has latitudes where longitudes stand; it is "+inOrder, swapped.String()
	case !b.within():
		fault.Reason = "goes beyond the earth: longitudes are from -180 to 180, latitudes from -90 to 90; it is " + inOrder
	case b.South > b.North:
		fault.Reason, fault.Suggestion = "has its south north of its north; it is "+inOrder, Box{b.West, b.North, b.East, b.South}.String()
	default:
		p.list.Box = &b
		return b.String()
	}
	p.faults = append(p.faults, fault)
	return value
}

// within reports whether the edges are on the earth.
func (b Box) within() bool {
	return max(math.Abs(b.West), math.Abs(b.East)) <= 180 && max(math.Abs(b.South), math.Abs(b.North)) <= 90
}
