// Package postgres is everything about the database that is not a query: the pool of connections, the migrations, and
// the private server that runs where no DATABASE_URL is given.
package postgres
