package httpapi

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/parley-api/parley/internal/query"
	"github.com/parley-api/parley/internal/store"
)

// at is a database that has a revision: a replica if one has it, else the primary.
func (s *server) at(revision int64) *pgxpool.Pool {
	if db := s.Replicas.Having(revision); db != nil {
		return db
	}
	return s.DB
}

// reached makes sure that the data set is at a revision that the client has seen, perhaps at another server.
func (s *server) reached(ctx context.Context, revision int64) error {
	if revision == 0 {
		return nil
	}
	now, err := s.Watch.Revision(ctx)
	if err != nil || now >= revision {
		return err
	}
	if now, err = store.Revision(ctx, s.DB); err != nil {
		return err
	}
	if s.Watch.Advance(now); now < revision {
		return &query.Error{Faults: []query.Fault{{Parameter: "min_revision", Reason: fmt.Sprintf("is in the future: the data set is at revision %d", now)}}}
	}
	return nil
}

// settle chooses the database that answers. A replica answers for the present as of the newest revision that is known: it must
// have that, and if it has more, which nobody was told of yet, it does not tell. It makes sure that the party whose figures
// are asked for is one of ours, unless the answer may be waited for.
func (c *collection) settle(ctx context.Context, a *asked) error {
	a.db = c.DB
	if a.List.MinRevision == 0 && a.List.AsOf == nil && a.List.ReportedBy == "" && c.Replicas == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, pageTimeout)
	defer cancel()
	if err := c.reached(ctx, a.List.MinRevision); err != nil {
		return err
	}
	switch {
	case a.List.AsOf != nil:
		moment, err := c.resolve(ctx, *a.List.AsOf)
		if err != nil {
			return err
		}
		a.moment, a.At, a.Newest, a.Segment = &moment, &moment.Revision, moment.Newest, moment.Segment
		a.db = c.at(moment.Revision)
	case c.Replicas != nil:
		now, err := c.Watch.Revision(ctx)
		if err != nil {
			return err
		}
		revision := now
		if a.List.After != nil { // the pages of a walk are all of one revision
			revision = a.List.After.Revision
		}
		if db := c.Replicas.Having(max(now, revision)); db != nil {
			a.db, a.At, a.Newest = db, &revision, revision == now
		}
	}
	if a.List.ReportedBy != "" && !a.Live {
		return store.IsParty(ctx, a.db, a.List.ReportedBy)
	}
	return nil
}

// resolve finds the revision that as_of stands for. Only the primary knows whether one is being recorded whose instant is past
// already; while it is away, a replica answers, and what it says is not settled.
func (s *server) resolve(ctx context.Context, asOf query.AsOf) (store.Moment, error) {
	if asOf.Revision != nil {
		return store.Resolve(ctx, s.at(*asOf.Revision), asOf, s.Now())
	}
	moment, err := store.Resolve(ctx, s.DB, asOf, s.Now())
	if err == nil || s.Replicas == nil || !away(err) {
		return moment, err
	}
	now, err := s.Watch.Revision(ctx)
	if err != nil {
		return moment, err
	}
	moment, err = store.Resolve(ctx, s.at(now), asOf, s.Now())
	moment.Settled = false
	return moment, err
}

// elsewhere has an answer made anew that failed because a replica did, which is left out from then on. Handlers that fail have
// written nothing but headers.
func (s *server) elsewhere(h handler) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		if s.Replicas == nil || r.Method != http.MethodGet && r.Method != http.MethodHead {
			return h(w, r)
		}
		header := w.Header()
		before := header.Clone()
		for again := len(s.Replicas.Standbys()); ; again-- {
			failures := s.Replicas.Failures()
			err := h(w, r)
			if err == nil || again == 0 || r.Context().Err() != nil || !failedThere(err) || s.Replicas.Failures() == failures {
				return err
			}
			clear(header)
			maps.Copy(header, before.Clone())
		}
	}
}

// failedThere reports whether an error may be that of a replica, and not of what was asked.
func failedThere(err error) bool {
	var pg *pgconn.PgError
	return away(err) || errors.Is(err, store.ErrBehind) || errors.Is(err, store.ErrOther) || errors.As(err, &pg) && (pg.Code == "40001" || pg.Code == "40P01")
}
