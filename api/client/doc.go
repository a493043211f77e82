// Package client speaks to a Parley API. It needs the standard library only.
//
// A [Collection] says where records are and what type they have; [List] walks through them page by page, [Get] gets one,
// [Stream] follows what changes. A [Query] is what the address asks, in the API's own words:
//
//	c, err := client.New("https://api.example.org")
//	…
//	query := client.Where("party", "UA").Between("date", "2025-05-01", "2025-07-31").Sort("date")
//	for round, err := range client.List(ctx, c, client.Rounds, query) {
//		…
//	}
//
// In every record a nil pointer is unknown, a zero is a reported zero, and an empty list says that none is recorded. With
// fields= records have the fields asked for only: then name the collection by a type of your own,
//
//	type length struct {
//		ID      string `json:"id"`
//		Minutes *int   `json:"duration_minutes"`
//	}
//	const lengths client.Collection[length] = "rounds"
//
// An answer that is not a success is a [*Problem], which says what is wrong and how to mend it.
package client
