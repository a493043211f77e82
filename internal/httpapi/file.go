package httpapi

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/klauspost/compress/gzhttp"

	"github.com/parley-api/parley/internal/store"
)

// reading reads an answer and hands its rows to add.
type reading func(ctx context.Context, add func(store.Row)) (store.Info, error)

// all reads the whole list.
func (c *collection) all(a *asked) reading {
	a.AtOnce = c.pacing.rows
	return func(ctx context.Context, add func(store.Row)) (info store.Info, err error) {
		for row, err := range store.Each(ctx, c.bulk(a), a.Question, &info) {
			if err != nil {
				return info, err
			}
			add(row)
		}
		return info, nil
	}
}

// some reads a page of the list.
func (c *collection) some(a *asked) reading {
	return func(ctx context.Context, add func(store.Row)) (store.Info, error) {
		return store.Page(ctx, a.db, a.Question, add)
	}
}

// sums reads totals.
func (c *collection) sums(a *asked) reading {
	return func(ctx context.Context, add func(store.Row)) (store.Info, error) {
		return store.Totals(ctx, a.db, a.Question, add)
	}
}

// file answers with a file, whole or in parts. It is made before the first header is written, so that it has a length and
// each error its status.
func (c *collection) file(w http.ResponseWriter, r *http.Request, a *asked, read reading) error {
	revision, err := c.expected(r.Context(), a)
	if err != nil {
		return err
	}
	f, err := c.files.open(r.Context(), c.etag(a, revision), func(s *spool) (string, store.Info, error) {
		ctx, leave, err := c.export(r.Context(), c.clientOf(r))
		if err != nil {
			return "", store.Info{}, err
		}
		defer leave()
		info, err := c.spool(ctx, s, a, read)
		return c.etag(a, info.Revision), info, err
	})
	if err != nil {
		return err
	}
	defer c.files.close(f)
	if next := c.meta(a, f.info).Next; next != "" {
		w.Header().Set("Link", "<"+next+`>; rel="next"`)
	}
	c.headers(w, a, f.info)
	w.Header().Set(gzhttp.HeaderNoCompression, "true") // ranges are of these very bytes
	part := &partial{ResponseWriter: w, control: http.NewResponseController(w)}
	http.ServeContent(part, understood(r), "", time.Time{}, f.reader())
	switch part.refused {
	case http.StatusRequestedRangeNotSatisfiable:
		w.Header().Set("Content-Range", fmt.Sprintf("bytes */%d", f.size))
		c.problem(w, r, rangeNotSatisfiable, fmt.Sprintf("the file has %d bytes, and the range %.100q none of them", f.size, r.Header.Get("Range")), nil)
	case http.StatusPreconditionFailed:
		c.problem(w, r, preconditionFailed, "the answer is not the one that If-Match names; without If-Match it comes as it is now", nil)
	}
	return nil
}

// understood is a request without a range that is to be passed over: one of other units than bytes, and any but that of a GET
// (RFC 9110, 14.2).
func understood(r *http.Request) *http.Request {
	unit, of, ok := strings.Cut(r.Header.Get("Range"), "=")
	r = r.Clone(r.Context())
	if r.Header.Del("Range"); ok && strings.EqualFold(unit, "bytes") && r.Method == http.MethodGet {
		r.Header.Set("Range", "bytes="+of)
	}
	return r
}

// spool writes a file.
func (c *collection) spool(ctx context.Context, s *spool, a *asked, read reading) (store.Info, error) {
	c.pacing.exports.Add(1)
	defer c.pacing.exports.Add(-1)
	reads, stop := context.WithCancel(ctx)
	defer stop()
	b, begin, rows := c.body(a), time.Now(), c.metrics.exportRows.WithLabelValues(a.Name)
	var failed error
	info, err := read(reads, func(row store.Row) {
		rows.Inc()
		if b.add(row); !c.pacing.enough(len(b.buf)) || failed != nil {
			return
		}
		c.pacing.rest(ctx, begin)
		if _, failed = s.Write(b.buf); failed != nil {
			stop()
		}
		b.buf, begin = b.buf[:0], time.Now()
	})
	if err == nil && failed == nil {
		_, failed = s.Write(b.End(b.buf, c.meta(a, info)))
	}
	if failed != nil {
		return info, fmt.Errorf("spooling %s: %w", a.file, failed)
	}
	return info, err
}

// partial is a response that is written part by part, each within stallTimeout. A refusal is left to who can explain it.
type partial struct {
	http.ResponseWriter
	control *http.ResponseController
	refused int
}

func (p *partial) WriteHeader(status int) {
	if status >= http.StatusBadRequest {
		p.refused = status
		return
	}
	p.ResponseWriter.WriteHeader(status)
}

func (p *partial) Write(b []byte) (int, error) {
	if p.refused != 0 {
		return len(b), nil
	}
	_ = p.control.SetWriteDeadline(time.Now().Add(stallTimeout))
	return p.ResponseWriter.Write(b)
}
