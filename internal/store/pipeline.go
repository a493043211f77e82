package store

import (
	"context"

	"github.com/jackc/pgx/v5"
)

// session is a transaction, or a connection on which one is begun and ended by statements.
type session interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults
}

// pipeline gives a session its statements. Those whose results nobody waits for yet are put off until one is asked that
// somebody waits for, and go with it: a round trip costs more than most statements. None is carried out after one that
// failed.
type pipeline struct {
	session session
	off     pgx.Batch
}

// queue puts off a statement. What is to be done with its result is done when it has been carried out.
func (p *pipeline) queue(sql string, args ...any) *pgx.QueuedQuery { return p.off.Queue(sql, args...) }

// putOff puts off statements that stand in a batch.
func (p *pipeline) putOff(batch *pgx.Batch) {
	p.off.QueuedQueries = append(p.off.QueuedQueries, batch.QueuedQueries...)
}

// carryOut carries out what was put off.
func (p *pipeline) carryOut(ctx context.Context) error {
	if p.off.Len() == 0 {
		return nil
	}
	batch := p.off
	p.off = pgx.Batch{}
	return p.session.SendBatch(ctx, &batch).Close()
}

// query asks for rows, after what was put off.
func (p *pipeline) query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	if err := p.carryOut(ctx); err != nil {
		return nil, err
	}
	return p.session.Query(ctx, sql, args...)
}

// settle has a changeset's constraints hold at its end only, and its statements planned once: they find rows by their keys,
// few or many, for which no other plan is better.
func (p *pipeline) settle() {
	p.queue("set constraints all deferred")
	p.queue("set local plan_cache_mode = force_generic_plan")
}
