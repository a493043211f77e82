package httpapi_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/parley-api/parley/internal/talks"
)

// TestFoundingArticle checks, through HTTP, what the article that the project began with says of the third Istanbul
// round.
func TestFoundingArticle(t *testing.T) {
	const article = "interbellum-2025-07-23"
	api := newAPI(t)

	round := get[talks.Round](t, api, "/v1/rounds/istanbul-2025-3")
	t.Run("34 minutes in Istanbul on 23 July 2025", func(t *testing.T) {
		if *round.Number != 3 || round.StartsOn != "2025-07-23" || round.EndsOn != "2025-07-23" || *round.City != "Istanbul" || *round.DurationMinutes != 34 {
			t.Errorf("got %+v", round)
		}
		reported := slices.ContainsFunc(round.Reports, func(r talks.FigureGiven) bool {
			return r.Field == "duration_minutes" && r.Value == 34.0 && r.Source == article
		})
		if !reported {
			t.Error("nothing says who gave the 34 minutes")
		}
		if !slices.ContainsFunc(round.Sources, func(c talks.Citation) bool { return c.ID == article }) {
			t.Error("the round does not cite the article")
		}
	})
	t.Run("delegations headed by Medinsky and Umerov", func(t *testing.T) {
		heads := map[string]string{}
		for _, d := range round.Delegations {
			if d.Head != nil {
				heads[d.Party] = *d.Head
			}
		}
		if heads["RU"] != "vladimir-medinsky" || heads["UA"] != "rustem-umerov" {
			t.Errorf("the heads are %v", heads)
		}
	})
	t.Run("3,000 bodies offered on top of 7,000", func(t *testing.T) {
		offer := find(t, round.Proposals, func(p talks.RoundProposal) bool { return p.Kind == "body_repatriation" })
		if offer.ProposedBy != "RU" || !strings.Contains(offer.Summary, "7,000") {
			t.Errorf("got %+v", offer)
		}
		wantTargets(t, offer.Targets, "RU-UA exactly 3000 bodies")
	})
	t.Run("swap of 1,200 each", func(t *testing.T) {
		swap := find(t, round.Commitments, func(c talks.RoundCommitment) bool { return c.ID == "istanbul-2025-3-exchange-1200" })
		wantTargets(t, quantities(swap.Targets), "RU-UA at_least 1200 people", "UA-RU at_least 1200 people")
	})
	t.Run("250 exchanged that day at the Belarus–Ukraine border under the commitments of 2 June", func(t *testing.T) {
		day := get[page[talks.PrisonerExchange]](t, api, "/v1/prisoner-exchanges?date=2025-07-23")
		if len(day.Data) != 1 {
			t.Fatalf("%d exchanges", len(day.Data))
		}
		e := day.Data[0]
		if *e.Place != "Belarus–Ukraine border" || *e.Transfers[0].Total != 250 || *e.Transfers[1].Total != 250 {
			t.Errorf("got %+v", e)
		}
		served := get[talks.Commitment](t, api, "/v1/commitments/"+*e.Commitment)
		if *served.Round != "istanbul-2025-2" || *served.AgreedOn != "2025-06-02" {
			t.Errorf("it counts towards %+v", served)
		}
	})
	t.Run("three online working groups", func(t *testing.T) {
		groups := find(t, round.Proposals, func(p talks.RoundProposal) bool { return p.Kind == "working_group" })
		if groups.ProposedBy != "RU" || !strings.Contains(groups.Summary, "online") {
			t.Errorf("got %+v", groups)
		}
		wantTargets(t, groups.Targets, "- exactly 3 groups")
	})
	t.Run("30 civilians of Kursk", func(t *testing.T) {
		claim := find(t, round.Claims, func(c talks.RoundClaim) bool { return c.ID == "kursk-civilians-2025-07" })
		if claim.Topic != "kursk_civilians" || claim.ClaimedBy != "RU" {
			t.Errorf("got %+v", claim)
		}
		wantTargets(t, []talks.Quantity{*claim.Quantity}, "UA-RU about 30 people")
	})
	t.Run("the list of children and its denial", func(t *testing.T) {
		denial := get[talks.Claim](t, api, "/v1/claims/children-list-checked-2025-07")
		claim := get[talks.Claim](t, api, "/v1/claims/"+*denial.RespondsTo)
		if claim.ClaimedBy != "UA" || denial.ClaimedBy != "RU" || claim.Topic != "deported_children" || claim.Status != "disputed" {
			t.Errorf("got %+v and %+v", claim, denial)
		}
		if !slices.Contains(claim.Answers, denial.ID) {
			t.Error("the claim does not show its answer")
		}
	})
	t.Run("Ukraine asked for a ceasefire and a meeting of the leaders", func(t *testing.T) {
		asked := get[page[talks.Proposal]](t, api, "/v1/proposals?round=istanbul-2025-3&proposed_by=UA&kind=ceasefire,leaders_meeting&sort=id")
		var kinds []string
		for _, p := range asked.Data {
			kinds = append(kinds, p.Kind)
			if !slices.ContainsFunc(p.Sources, func(c talks.Citation) bool { return c.ID == article }) {
				t.Errorf("%s does not cite the article", p.ID)
			}
		}
		if diff := cmp.Diff([]string{"ceasefire", "leaders_meeting"}, kinds); diff != "" {
			t.Error(diff)
		}
	})
}

func find[T any](t *testing.T, all []T, match func(T) bool) T {
	t.Helper()
	i := slices.IndexFunc(all, match)
	if i < 0 {
		t.Fatalf("not among %+v", all)
	}
	return all[i]
}

// wantTargets compares targets written as "RU-UA exactly 3000 bodies".
func wantTargets(t *testing.T, got []talks.Quantity, want ...string) {
	t.Helper()
	var texts []string
	for _, q := range got {
		direction := "-"
		if q.From != nil {
			direction = *q.From + "-" + *q.To
		}
		texts = append(texts, strings.Join([]string{direction, q.Qualifier, itoa(q.Value), q.Unit}, " "))
	}
	if diff := cmp.Diff(want, texts); diff != "" {
		t.Error(diff)
	}
}

// quantities are the numbers of targets.
func quantities(targets []talks.Target) []talks.Quantity {
	all := make([]talks.Quantity, len(targets))
	for i, target := range targets {
		all[i] = talks.Quantity{From: target.From, To: target.To, Value: *target.Value, Qualifier: target.Qualifier, Unit: target.Unit}
	}
	return all
}
