package httpapi

import (
	"iter"
	"net/http"
	"time"

	"github.com/parley-api/parley/internal/render"
	"github.com/parley-api/parley/internal/store"
)

// body makes the body of an answer, in one piece or chunk by chunk.
type body struct {
	form *form
	row  render.Record
	json render.List
	buf  []byte
}

func (a *asked) body() *body { return newBody(a.form, a.base, a.Shape()) }

func newBody(form *form, base string, shape store.Shape) *body {
	b := &body{form: form, row: render.Record{Columns: shape, Base: base + "/v1/"}}
	if form.name == "csv" {
		b.buf = render.AppendCSVHeader(b.buf, b.row.Columns)
	}
	return b
}

func (b *body) add(row store.Row) {
	b.row.Values = row
	switch b.form.name {
	case "csv":
		b.buf = render.AppendCSV(b.buf, b.row)
	case "ndjson":
		b.buf = append(render.AppendJSON(b.buf, b.row), '\n')
	default:
		b.json.Add(b.row)
	}
}

// list is the whole body of a page.
func (b *body) list(next string, m render.Meta) []byte {
	if b.form.name != "json" {
		return b.buf
	}
	return b.json.Close(next, m)
}

// record is the whole body of a single record.
func (b *body) record() []byte {
	if b.form.name != "json" {
		return b.buf
	}
	return b.json.Single()
}

// chunk is how many bytes of a stream are written at a time.
const chunk = 64 << 10

// stream answers with the whole list in constant memory. The first row is read before the first header is written, so
// that early errors have their status; after that an error cuts the connection, and no half answer looks whole.
func (c *collection) stream(w http.ResponseWriter, r *http.Request, a *asked) error {
	var info store.Info
	next, stop := iter.Pull2(store.Each(r.Context(), c.DB, a.Question, &info))
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
	b := a.body()
	control := http.NewResponseController(w)
	begin := time.Now()
	flush := func() error {
		c.pacing.rest(r.Context(), begin)
		_ = control.SetWriteDeadline(time.Now().Add(stallTimeout))
		_, err := w.Write(b.buf)
		b.buf = b.buf[:0]
		begin = time.Now()
		return err
	}
	for ; more; row, err, more = next() {
		if err == nil {
			b.add(row)
			if len(b.buf) < chunk {
				continue
			}
			err = flush()
		}
		if err != nil {
			c.Log.Info("export cut off", "request_id", requestID(w), "error", err)
			panic(http.ErrAbortHandler)
		}
	}
	return flush()
}
