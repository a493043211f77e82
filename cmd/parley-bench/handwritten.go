package main

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// handwritten is the service that a competent Go developer writes for these answers alone: a mux, a pool, structs, SQL for
// each, encoding/json. It answers with the same documents as Parley, and does nothing else that Parley does.
type handwritten struct{ db *pgxpool.Pool }

func (h handwritten) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/prisoner-exchanges/{id}", h.exchange)
	mux.HandleFunc("GET /v1/prisoner-exchanges", h.exchanges)
	mux.HandleFunc("GET /v1/prisoner-exchanges.ndjson", h.export)
	mux.HandleFunc("GET /v1/rounds/{id}", h.round)
	return mux
}

// exchange answers with one exchange.
func (h handwritten) exchange(w http.ResponseWriter, r *http.Request) {
	var batch pgx.Batch
	var found []exchangeDocument
	id := r.PathValue("id")
	collect(&batch, &found, exchangeSQL+" where x.id = $1", id)
	var parts exchangeParts
	parts.queue(&batch, []string{id})
	if err := h.db.SendBatch(r.Context(), &batch).Close(); err != nil {
		fail(w, err)
		return
	}
	if len(found) == 0 {
		http.NotFound(w, r)
		return
	}
	parts.give(found, base(r))
	reply(w, found[0])
}

// page is the envelope of a list.
type page struct {
	Data []exchangeDocument `json:"data"`
	Next *string            `json:"next"`
	Meta meta               `json:"meta"`
}

type meta struct {
	Revision    int64     `json:"revision"`
	AsOf        time.Time `json:"as_of"`
	Permalink   string    `json:"permalink"`
	Coverage    coverage  `json:"coverage"`
	Licence     string    `json:"licence"`
	Attribution string    `json:"attribution"`
}

type coverage struct {
	From    string `json:"from"`
	To      string `json:"to"`
	Missing []gap  `json:"missing"`
}

type gap struct {
	Year    *int16 `json:"year"`
	Missing string `json:"missing"`
}

// exchanges answers with one page, the newest first.
func (h handwritten) exchanges(w http.ResponseWriter, r *http.Request) {
	filter, err := exchangeFilterOf(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	p := page{Data: []exchangeDocument{}}
	var batch pgx.Batch
	batch.Queue("select id, recorded_at from changesets order by id desc limit 1").QueryRow(func(row pgx.Row) error { return row.Scan(&p.Meta.Revision, &p.Meta.AsOf) })
	batch.Queue("select min(starts_on)::text, max(ends_on)::text from coverage where collection = 'prisoner-exchanges'").
		QueryRow(func(row pgx.Row) error { return row.Scan(&p.Meta.Coverage.From, &p.Meta.Coverage.To) })
	collect(&batch, &p.Meta.Coverage.Missing, "select year, missing from coverage where collection = 'prisoner-exchanges' and missing is not null order by year nulls first, id")
	limit := filter.limit
	filter.limit++ // one more than the page has tells whether there is a next one
	sql, args := filter.sql()
	collect(&batch, &p.Data, sql, args...)
	if err := h.db.SendBatch(r.Context(), &batch).Close(); err != nil {
		fail(w, err)
		return
	}
	if len(p.Data) > limit {
		p.Data = p.Data[:limit]
		last := p.Data[limit-1]
		query := r.URL.Query()
		query.Set("after", last.Date+","+last.ID)
		next := base(r) + r.URL.Path + "?" + query.Encode()
		p.Next = &next
	}
	if err := h.complete(r.Context(), p.Data, base(r)); err != nil {
		fail(w, err)
		return
	}
	p.Meta.AsOf = p.Meta.AsOf.UTC()
	p.Meta.Permalink = base(r) + r.URL.Path + "?as_of=" + strconv.FormatInt(p.Meta.Revision, 10) + "&" + r.URL.RawQuery
	p.Meta.Licence, p.Meta.Attribution = "https://creativecommons.org/licenses/by/4.0/", "Parley data set contributors"
	reply(w, p)
}

// complete reads the parts of exchanges.
func (h handwritten) complete(ctx context.Context, exchanges []exchangeDocument, base string) error {
	ids := make([]string, len(exchanges))
	for i := range exchanges {
		ids[i] = exchanges[i].ID
	}
	var batch pgx.Batch
	var parts exchangeParts
	parts.queue(&batch, ids)
	if err := h.db.SendBatch(ctx, &batch).Close(); err != nil {
		return err
	}
	parts.give(exchanges, base)
	return nil
}

// export streams all exchanges, a thousand at a time.
func (h handwritten) export(w http.ResponseWriter, r *http.Request) {
	filter, err := exchangeFilterOf(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/x-ndjson")
	out := json.NewEncoder(w)
	for filter.limit = 1000; ; {
		sql, args := filter.sql()
		rows, err := h.db.Query(r.Context(), sql, args...)
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		found, err := pgx.CollectRows(rows, pgx.RowToStructByPos[exchangeDocument])
		if err == nil {
			err = h.complete(r.Context(), found, base(r))
		}
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		for i := range found {
			if err := out.Encode(&found[i]); err != nil {
				return
			}
		}
		if len(found) < filter.limit {
			return
		}
		filter.afterDate, filter.afterID = found[len(found)-1].Date, found[len(found)-1].ID
	}
}

// exchangeFilter is what lists of exchanges are asked for by.
type exchangeFilter struct {
	country, from, to, afterDate, afterID string
	limit                                 int
}

func exchangeFilterOf(r *http.Request) (exchangeFilter, error) {
	query := r.URL.Query()
	f := exchangeFilter{country: query.Get("country"), limit: 100}
	f.from, f.to, _ = strings.Cut(query.Get("date"), "..")
	f.afterDate, f.afterID, _ = strings.Cut(query.Get("after"), ",")
	if text := query.Get("limit"); text != "" {
		var err error
		if f.limit, err = strconv.Atoi(text); err != nil || f.limit < 1 || f.limit > 1000 {
			return f, errors.New("limit is 1 to 1000")
		}
	}
	return f, nil
}

func (f exchangeFilter) sql() (string, []any) {
	var conditions []string
	var args []any
	where := func(condition string, values ...any) {
		for _, v := range values {
			args = append(args, v)
			condition = strings.Replace(condition, "?", "$"+strconv.Itoa(len(args)), 1)
		}
		conditions = append(conditions, condition)
	}
	if f.country != "" {
		where("x.country = ?", f.country)
	}
	if f.from != "" {
		where("x.date between ?::text::date and ?::text::date", f.from, f.to)
	}
	if f.afterID != "" {
		where("(x.date, x.id) < (?::text::date, ?)", f.afterDate, f.afterID)
	}
	sql := exchangeSQL
	if conditions != nil {
		sql += " where " + strings.Join(conditions, " and ")
	}
	args = append(args, f.limit)
	return sql + " order by x.date desc, x.id desc limit $" + strconv.Itoa(len(args)), args
}

// collect queues a query whose rows become structs.
func collect[T any](batch *pgx.Batch, to *[]T, sql string, args ...any) {
	batch.Queue(sql, args...).Query(func(rows pgx.Rows) (err error) {
		*to, err = pgx.CollectRows(rows, pgx.RowToStructByPos[T])
		return err
	})
}

func base(r *http.Request) string { return "http://" + r.Host }

func reply(w http.ResponseWriter, document any) {
	body, err := json.Marshal(document)
	if err != nil {
		fail(w, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	_, _ = w.Write(body)
}

func fail(w http.ResponseWriter, err error) {
	http.Error(w, err.Error(), http.StatusInternalServerError)
}
