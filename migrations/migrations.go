// Package migrations holds the database schema and the seed data as goose SQL migrations. The files are plain: the goose
// command line runs them too.
//
// They are applied while the program before still serves, so each only expands: it adds tables, columns that may be null or
// have a default, indexes, functions beside those that are there. What the program before reads or writes is not dropped,
// renamed, retyped or made mandatory before a later release, when no program of the one before runs any more: that
// migration contracts, and says so in a comment, "-- contract: why". A large index is made by "create index concurrently", in
// a file with "-- +goose NO TRANSACTION". Locks are waited for only briefly, and migrations tried again, so that nobody
// waits behind one.
package migrations

import "embed"

// FS has the migrations in its root.
//
//go:embed *.sql
var FS embed.FS
