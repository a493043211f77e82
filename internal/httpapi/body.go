package httpapi

import (
	"iter"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/parley-api/parley/internal/render"
	"github.com/parley-api/parley/internal/store"
)

// body makes the body of an answer, in one piece or chunk by chunk.
type body struct {
	render.Encoder
	buf []byte
}

// spare are bodies that are sent: their memory, which is most of what an answer takes, serves the next ones.
var spare = sync.Pool{New: func() any { return new(body) }}

// mostSpared is how many bytes such a body has at the most.
const mostSpared = 256 << 10

// body begins the body of an answer.
func (c *collection) body(a *asked) *body {
	subject := render.Subject{
		Kind:       a.kind,
		Collection: c.table.Name,
		Of:         c.grammar.Of,
		About:      c.table.About,
		Fields:     a.List.Fields,
		Base:       a.base + "/v1/",
		Address:    a.base + a.path,
	}
	if a.kind == render.Totals {
		subject.Columns, subject.Of = a.TotalsShape(), "totals of "+c.table.Name
	} else {
		subject.Columns = a.Shape()
	}
	if a.List.After != nil {
		subject.Address += "?" + a.List.Next(*a.List.After)
	} else if query := a.List.Canonical(); query != "" {
		subject.Address += "?" + query
	}
	b := spare.Get().(*body) //nolint:forcetypeassert // there is nothing else
	b.Encoder = a.New(subject)
	return b
}

func (b *body) add(row store.Row) { b.buf = b.Add(b.buf, row) }

// whole is the body in one piece: its beginning is made last, when all that it may say is known.
func (b *body) whole(m render.Meta) []byte {
	return b.End(slices.Insert(b.buf, 0, b.Begin(nil, m)...), m)
}

// send sends the body in one piece. It is gone then.
func (b *body) send(w http.ResponseWriter, m render.Meta) error {
	b.buf = b.whole(m)
	err := send(w, b.buf)
	if cap(b.buf) <= mostSpared {
		b.Encoder, b.buf = nil, b.buf[:0]
		spare.Put(b)
	}
	return err
}

// stream answers with the whole list in constant memory. The first row is read before the first header is written, so
// that early errors have their status; after that an error cuts the connection, and no half answer looks whole.
func (c *collection) stream(w http.ResponseWriter, r *http.Request, a *asked) error {
	ctx, leave, err := c.export(r.Context(), c.clientOf(r))
	if err != nil {
		return err
	}
	defer leave()
	var info store.Info
	a.AtOnce = c.pacing.rows
	next, stop := iter.Pull2(store.Each(ctx, c.bulk(a), a.Question, &info))
	defer stop()
	row, err, more := next()
	if err != nil {
		return err
	}
	c.headers(w, a, info)
	if r.Method == http.MethodHead {
		return nil
	}
	c.pacing.exports.Add(1)
	defer c.pacing.exports.Add(-1)
	rows := c.metrics.exportRows.WithLabelValues(a.Name)
	b, m := c.body(a), c.meta(a, info)
	b.buf = b.Begin(b.buf, m)
	control := http.NewResponseController(w)
	begin := time.Now()
	var client reader
	flush := func() error {
		c.pacing.rest(ctx, begin)
		sending := time.Now()
		_ = control.SetWriteDeadline(client.deadline(sending))
		n, err := w.Write(b.buf)
		b.buf = b.buf[:0]
		begin = time.Now()
		client.read(n, begin.Sub(sending))
		return err
	}
	for ; more; row, err, more = next() {
		if err == nil {
			b.add(row)
			rows.Inc()
			if !c.pacing.enough(len(b.buf)) {
				continue
			}
			err = flush()
		}
		if err != nil {
			c.Log.InfoContext(r.Context(), "export cut off", "request_id", requestID(w), "error", err)
			panic(http.ErrAbortHandler)
		}
	}
	b.buf = b.End(b.buf, m)
	return flush()
}
