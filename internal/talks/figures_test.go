package talks_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/parley-api/parley/internal/talks"
)

func said(statements ...talks.Statement) []talks.Statement { return statements }

func by(voice, qualifier string, value int) talks.Statement {
	return talks.Statement{Value: value, Qualifier: qualifier, Voice: voice}
}

// TestFigureOf is the rules by example.
func TestFigureOf(t *testing.T) {
	tests := []struct {
		name string
		own  *int
		said []talks.Statement
		low  *int
		high *int
		want string
	}{
		{"nobody knows", nil, nil, nil, nil, "unknown"},
		{"reported and not adopted", nil, said(by("RU", "exactly", 38)), nil, nil, "unknown"},
		{"the record alone", new(250), nil, new(250), new(250), "single_source"},
		{"a reported zero", new(0), said(by("UA", "exactly", 0)), new(0), new(0), "single_source"},
		{"one party", new(390), said(by("RU", "exactly", 390)), new(390), new(390), "single_source"},
		{"one party by two outlets", new(45), said(by("UA", "exactly", 45), by("UA", "exactly", 45)), new(45), new(45), "single_source"},
		{"both sides", new(390), said(by("RU", "exactly", 390), by("UA", "exactly", 390)), new(390), new(390), "agreed"},
		{"two outlets of their own", new(56), said(by("zmina-1", "exactly", 56), by("babel-1", "exactly", 56)), new(56), new(56), "agreed"},
		{"the sides differ", new(302), said(by("UA", "exactly", 302), by("RU", "exactly", 300)), new(300), new(302), "disputed"},
		{"one party contradicts itself", new(72), said(by("RU", "exactly", 72), by("RU", "exactly", 80)), new(72), new(80), "disputed"},
		{"the record differs from the one report", new(5), said(by("UA", "exactly", 7)), new(5), new(7), "disputed"},
		{"at least bounds from below only", new(1000), said(by("RU", "at_least", 1000)), new(1000), nil, "single_source"},
		{"more than", new(1000), said(by("UA", "more_than", 1000)), new(1001), nil, "single_source"},
		{"at most bounds from above only", new(1200), said(by("UA", "at_most", 1200)), nil, new(1200), "single_source"},
		{"less than", new(60), said(by("meduza-1", "less_than", 60)), nil, new(59), "single_source"},
		{"at least, at most and about go together", new(1000), said(by("RU", "at_least", 1000), by("UA", "at_most", 1200), by("RU", "about", 1200)), new(1000), new(1200), "agreed"},
		{"at least and a number above", new(1200), said(by("RU", "at_least", 1000), by("UA", "exactly", 1200)), new(1000), new(1200), "agreed"},
		{"at least and a number below", new(900), said(by("RU", "at_least", 1000), by("UA", "exactly", 900)), new(900), nil, "disputed"},
		{"less than and that number", new(60), said(by("UA", "less_than", 60), by("RU", "exactly", 60)), nil, new(60), "disputed"},
		{"at least more than at most", new(1300), said(by("RU", "at_least", 1300), by("UA", "at_most", 1200)), nil, nil, "disputed"},
		{"about, within a tenth", new(6057), said(by("UA", "exactly", 6057), by("RU", "about", 6000)), new(6000), new(6057), "agreed"},
		{"about, too far off", new(600), said(by("UA", "exactly", 600), by("RU", "about", 1200)), new(600), new(1200), "disputed"},
		{"two who say about", new(100), said(by("UA", "about", 100), by("RU", "about", 120)), new(100), new(120), "agreed"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(talks.Figure{Low: tt.low, High: tt.high, Status: tt.want}, talks.FigureOf(tt.own, "exactly", tt.said)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestFigureOfParty(t *testing.T) {
	tests := []struct {
		name  string
		own   *int
		said  []talks.Statement
		value *int
		want  talks.Figure
	}{
		{"it gave none", new(5), nil, nil, talks.Figure{Status: "unknown"}},
		{"its only one", new(302), said(by("RU", "exactly", 300)), new(300), talks.Figure{Low: new(300), High: new(300), Status: "single_source"}},
		{"the one that the record has", new(45), said(by("UA", "exactly", 47), by("UA", "exactly", 45)), new(45), talks.Figure{Low: new(45), High: new(47), Status: "disputed"}},
		{"else its first", nil, said(by("RU", "exactly", 80), by("RU", "exactly", 72)), new(80), talks.Figure{Low: new(72), High: new(80), Status: "disputed"}},
		{"a bound", new(1), said(by("UA", "more_than", 1000)), new(1000), talks.Figure{Low: new(1001), Status: "single_source"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			value, figure := talks.FigureOfParty(tt.own, tt.said)
			if diff := cmp.Diff(tt.value, value) + cmp.Diff(tt.want, figure); diff != "" {
				t.Error(diff)
			}
		})
	}
}
