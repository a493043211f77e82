// Package render writes answers: one file a representation, and a line for it in [Forms]. It takes values as PostgreSQL sends them, in binary, and
// appends them to a byte slice; it knows neither SQL nor HTTP.
package render
