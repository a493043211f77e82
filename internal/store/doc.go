// Package store is all the SQL that serves collections: a [Table] value for each, one file a resource, and the functions
// over them: [Page] and [Each] for lists, [One] for a record. It knows nothing of HTTP, and neither builds nor parses
// JSON: values go from PostgreSQL's binary rows to a renderer as they are.
//
// Every answer is read in one snapshot and says which revision of the data set that was.
package store
