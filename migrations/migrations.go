// Package migrations holds the database schema and the seed data as goose SQL migrations. The files are plain: the goose
// command line runs them too.
package migrations

import "embed"

// FS has the migrations in its root.
//
//go:embed *.sql
var FS embed.FS
