package store_test

import (
	"context"
	"encoding/json"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// asked is a statement as a database was asked.
type asked struct {
	sql  string
	args []any
}

// tracer takes down what a database is asked.
type tracer struct {
	mu  sync.Mutex
	all []asked
}

// traced returns a pool over the same database, and what takes down what it is asked.
func traced(t *testing.T, db *pgxpool.Pool) (*pgxpool.Pool, *tracer) {
	t.Helper()
	config := db.Config()
	tr := &tracer{}
	config.ConnConfig.Tracer = tr
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return pool, tr
}

func (tr *tracer) TraceQueryStart(ctx context.Context, _ *pgx.Conn, q pgx.TraceQueryStartData) context.Context {
	tr.add(q.SQL, q.Args)
	return ctx
}

func (tr *tracer) TraceBatchQuery(_ context.Context, _ *pgx.Conn, q pgx.TraceBatchQueryData) {
	tr.add(q.SQL, q.Args)
}

func (tr *tracer) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

func (tr *tracer) TraceBatchStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceBatchStartData) context.Context {
	return ctx
}

func (tr *tracer) TraceBatchEnd(context.Context, *pgx.Conn, pgx.TraceBatchEndData) {}

func (tr *tracer) add(sql string, args []any) {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	tr.all = append(tr.all, asked{sql, args})
}

// take returns what was asked since the last time.
func (tr *tracer) take() []asked {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	all := tr.all
	tr.all = nil
	return all
}

// plan is a node of a plan as EXPLAIN shows it in JSON.
type plan struct {
	Type     string `json:"Node Type"`
	Schema   string `json:"Schema"`
	Relation string `json:"Relation Name"`
	Alias    string `json:"Alias"`
	Index    string `json:"Index Name"`
	Hit      int    `json:"Shared Hit Blocks"`
	Read     int    `json:"Shared Read Blocks"`
	Plans    []plan `json:"Plans"`
}

// walk visits a plan's nodes.
func (p plan) walk(visit func(plan)) {
	visit(p)
	for _, inner := range p.Plans {
		inner.walk(visit)
	}
}

// explain asks for the plan of a statement, in the words of EXPLAIN's options.
func explain(t *testing.T, tx pgx.Tx, options string, a asked) plan {
	t.Helper()
	var text []byte
	if err := tx.QueryRow(t.Context(), "explain ("+options+", format json) "+a.sql, a.args...).Scan(&text); err != nil {
		t.Fatalf("%s\n%v: %v", a.sql, a.args, err)
	}
	var plans []struct{ Plan plan }
	if err := json.Unmarshal(text, &plans); err != nil {
		t.Fatal(err)
	}
	return plans[0].Plan
}
