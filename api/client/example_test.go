package client_test

import (
	"context"
	"errors"
	"fmt"
	"log"

	"github.com/parley-api/parley/api/client"
)

// connect returns a client: in a program, one of client.New("https://api.example.org").
func connect() *client.Client {
	address, key := seeded()
	c, err := client.New(address, client.WithKey(key))
	if err != nil {
		log.Fatal(err)
	}
	return c
}

// The rounds of 2025 in which Ukraine took part, the oldest first. The walk goes on to the last page by itself.
func ExampleList() {
	ctx, c := context.Background(), connect()
	query := client.Where("party", "UA").Between("date", "2025-01-01", "2025-12-31").Sort("date")
	for round, err := range client.List(ctx, c, client.Rounds, query) {
		if err != nil {
			log.Fatal(err)
		}
		if round.DurationMinutes == nil { // nil is unknown
			fmt.Println(round.ID, round.StartsOn)
			continue
		}
		fmt.Println(round.ID, round.StartsOn, *round.DurationMinutes)
	}
	// Output:
	// istanbul-2025-1 2025-05-16 120
	// istanbul-2025-2 2025-06-02 60
	// istanbul-2025-3 2025-07-23 34
}

// With fields= a type of one's own says what records have.
func ExampleList_fields() {
	type proposal struct {
		Kind   string `json:"kind"`
		Status string `json:"status"`
	}
	const proposals client.Collection[proposal] = "proposals"

	ctx, c := context.Background(), connect()
	query := client.Where("round", "istanbul-2025-3").Where("proposed_by", "UA").Fields("kind", "status")
	for p, err := range client.List(ctx, c, proposals, query) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(p.Kind, p.Status)
	}
	// Output:
	// leaders_meeting rejected
	// ceasefire rejected
}

// A page says which revision of the data set was read, and how to cite it.
func ExamplePages() {
	ctx, c := context.Background(), connect()
	query := client.Where("process", "istanbul-2025").AsOf("1").Limit(2)
	for page, err := range client.Pages(ctx, c, client.Rounds, query) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(len(page.Data), "at revision", page.Meta.Revision)
	}
	// Output:
	// 2 at revision 1
	// 1 at revision 1
}

// Promise and delivery of one commitment.
func ExampleGet() {
	ctx, c := context.Background(), connect()
	commitment, err := client.Get(ctx, c, client.Commitments, "istanbul-2025-1-exchange-1000", nil)
	if err != nil {
		log.Fatal(err)
	}
	for _, p := range *commitment.Value.Progress {
		fmt.Println(*p.From, *p.To, *p.Target, *p.Delivered)
	}
	// Output:
	// RU UA 1000 1000
	// UA RU 1000 1000
}

// A problem says what is wrong, and what was probably meant.
func ExampleProblem() {
	ctx, c := context.Background(), connect()
	for _, err := range client.List(ctx, c, client.Rounds, client.Where("partty", "UA")) {
		var p *client.Problem
		if errors.As(err, &p) {
			fmt.Println(p.Kind(), p.Errors[0].Parameter, p.Errors[0].Suggestion)
		}
	}
	// Output:
	// invalid-parameter partty party
}

// What a correction would change.
func ExampleClient_Preview() {
	ctx, c := context.Background(), connect()
	round, err := client.Get(ctx, c, client.Rounds, "istanbul-2025-3", nil)
	if err != nil {
		log.Fatal(err)
	}
	done, err := c.Preview(ctx, "The reports of 40 minutes are better", []client.Operation{
		{Op: "patch", Collection: "rounds", ID: "istanbul-2025-3", Body: map[string]any{"duration_minutes": 40}},
	}, client.Guard{IfMatch: round.ETag})
	if err != nil {
		log.Fatal(err)
	}
	for _, change := range done.Changes {
		fmt.Println(change.Op, change.Record, change.Difference)
	}
	// Output:
	// update istanbul-2025-3 [{duration_minutes 34 40}]
}
