package store_test

import (
	"math"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/parley-api/parley/internal/pgtest"
	"github.com/parley-api/parley/internal/talks"
)

// draw makes a figure of a record, and statements on it that often meet.
func draw(t *rapid.T) (own *int, said []talks.Statement) {
	value := rapid.OneOf(rapid.IntRange(0, 30), rapid.SampledFrom([]int{1_952_257_862, math.MaxInt32})) // the greatest too
	own = rapid.Ptr(value, true).Draw(t, "own")
	said = rapid.SliceOfN(rapid.Custom(func(t *rapid.T) talks.Statement {
		return talks.Statement{
			Value:     value.Draw(t, "value"),
			Qualifier: rapid.SampledFrom(talks.ReportQualifiers).Draw(t, "qualifier"),
			Voice:     rapid.SampledFrom([]string{"RU", "UA", "tass-1"}).Draw(t, "voice"),
		}
	}), 0, 5).Draw(t, "said")
	return own, said
}

// TestFigureRules: the database applies the rules of package talks; and the bounds hold what they promise.
func TestFigureRules(t *testing.T) {
	tx := pgtest.Tx(t)
	rapid.Check(t, func(r *rapid.T) {
		own, said := draw(r)
		qualifier := rapid.SampledFrom(talks.ReportQualifiers).Draw(r, "own qualifier")
		want := talks.FigureOf(own, qualifier, said)
		var values []int
		var qualifiers, voices []string
		for _, s := range said {
			values, qualifiers, voices = append(values, s.Value), append(qualifiers, s.Qualifier), append(voices, s.Voice)
		}
		var got talks.Figure
		err := tx.QueryRow(t.Context(), `select low, high, status::text from figure($1, $2::text::report_qualifier, array(
			select row(v, q::report_qualifier, w)::statement from unnest($3::int[], $4::text[], $5::text[]) s(v, q, w)))`, own, qualifier, values, qualifiers, voices).Scan(&got.Low, &got.High, &got.Status)
		if err != nil {
			r.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			r.Fatalf("package talks (-) and the database (+): %s", diff)
		}
		if own == nil {
			return
		}
		// Nobody who names a number is left out, and whoever only bounds it can be right with a number within the bounds.
		if !slices.ContainsFunc(said, func(s talks.Statement) bool { return s.Value == *own }) {
			said = append(said, talks.Statement{Value: *own, Qualifier: qualifier})
		}
		for _, s := range said {
			low, high := got.Low == nil || *got.Low <= s.Value, got.High == nil || *got.High >= s.Value
			switch s.Qualifier {
			case "exactly", "about":
				if !low || !high {
					r.Fatalf("%+v is outside of %v", s, got)
				}
			case "at_least":
				if !high {
					r.Fatalf("%+v is above %v", s, got)
				}
			case "at_most":
				if !low {
					r.Fatalf("%+v is below %v", s, got)
				}
			}
		}
	})
}
