package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
)

// csvCopy is the same rows as Parley's CSV, as one writes them for COPY.
const csvCopy = `copy (select x.id, '%s/v1/prisoner-exchanges/' || x.id as url, x.date, x.sequence_note, x.place, x.country, x.lat, x.lon, x.place_precision,
	t.from_party as "from", t.to_party as "to", t.total, t.total_low, t.total_high, t.total_status, t.pows, t.pows_low, t.pows_high, t.pows_status,
	t.civilians, t.civilians_low, t.civilians_high, t.civilians_status,
	nullif(array_to_string(array(select m.party from prisoner_exchange_mediators m where m.prisoner_exchange = x.id order by m.position), ';'), '') as mediators,
	nullif(array_to_string(array(select c.category from prisoner_exchange_categories c where c.prisoner_exchange = x.id order by c.position), ';'), '') as categories,
	x.commitment, x.summary, x.note, null as figures_from,
	nullif(array_to_string(array(select s.source from prisoner_exchange_sources s where s.prisoner_exchange = x.id order by s.position), ';'), '') as sources,
	x.revision, c.recorded_at
	from prisoner_exchanges x left join prisoner_exchange_transfers t on t.prisoner_exchange = x.id join changesets c on c.id = x.revision
	where x.date between '%s' and '%s' order by x.date desc, x.id desc, t.position) to stdout (format csv, header)`

func csvStatement(base, first, last string) string { return fmt.Sprintf(csvCopy, base, first, last) }

// lines counts lines, and notes when the first byte came.
type lines struct {
	count int
	first time.Time
}

func (l *lines) Write(b []byte) (int, error) {
	if l.first.IsZero() {
		l.first = time.Now()
	}
	l.count += bytes.Count(b, []byte{'\n'})
	return len(b), nil
}

// exporter is what whole lists are measured with.
type exporter struct {
	*bench
	first, last string    // days, of which all exchanges are exported
	rows        []int     // that the exports of one form had: they are all the same
	firstBytes  []float64 // in milliseconds
	growth      []float64 // in MiB
}

// exports compares whole lists with COPY and with what is written by hand, and looks at what they cost others.
func (b *bench) exports() (s section, err error) {
	x := &exporter{bench: b, first: firstDay.Format(time.DateOnly), last: firstDay.AddDate(0, 0, b.exportDays()-1).Format(time.DateOnly)}
	s.about = fmt.Sprintf("All exchanges from %s to %s in one answer. CSV is compared with COPY of the same rows and columns, NDJSON with the service written by hand. "+
		"Memory is the process's, from before an export to the most during it.", x.first, x.last)
	rival, err := b.handwritten()
	if err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, rival.stop()) }()
	for _, form := range []struct {
		name   string
		target float64
		rival  func() (lines, error)
	}{
		{"csv", 0.6, x.copied},
		{"ndjson", 2, func() (lines, error) { return x.fetched(rival, "ndjson") }},
	} {
		all, err := x.form(form.name, form.target, form.rival)
		if err != nil {
			return s, fmt.Errorf("%s: %w", form.name, err)
		}
		s.lines = append(s.lines, all...)
	}
	l, err := x.disturbance()
	s.lines = append(s.lines, l)
	return s, err
}

// exportDays is how many days hold about as many exchanges as an export is to have.
func (b *bench) exportDays() int {
	if b.ExportRecords <= 0 || b.ExportRecords >= b.data.exchanges {
		return syntheticDays
	}
	return max(1, syntheticDays*b.ExportRecords/b.data.exchanges)
}

// form measures the exports of one form.
func (x *exporter) form(name string, target float64, rival func() (lines, error)) ([]line, error) {
	x.rows, x.firstBytes, x.growth = nil, nil, nil
	figures, err := x.alternate(
		func(time.Duration) (float64, error) { return x.rate(func() (lines, error) { return x.watched(name) }) },
		func(time.Duration) (float64, error) { return x.rate(rival) })
	if err != nil {
		return nil, err
	}
	all := []line{
		faster(name+", rows a second", figures[0], figures[1], "/s", target),
		below(name+", to the first byte", x.firstBytes, "ms", 100),
	}
	if x.growth != nil {
		all = append(all, below(name+", growth of memory", x.growth, "MiB", 32))
	}
	return all, nil
}

// rate is how many rows a second an export gives. All have as many.
func (x *exporter) rate(export func() (lines, error)) (float64, error) {
	begin := time.Now()
	l, err := export()
	if err != nil {
		return 0, err
	}
	took := time.Since(begin)
	if x.rows = append(x.rows, l.count); l.count != x.rows[0] || l.count == 0 {
		return 0, fmt.Errorf("one export has %d rows, another one %d", x.rows[0], l.count)
	}
	return float64(l.count) / took.Seconds(), nil
}

// watched is an export of Parley's, whose first byte and memory are looked at.
func (x *exporter) watched(form string) (lines, error) {
	before, err := x.parley.memory("VmRSS")
	known := err == nil && x.parley.forgetPeak() == nil
	begin := time.Now()
	l, err := x.fetched(x.parley, form)
	if err != nil {
		return l, err
	}
	x.firstBytes = append(x.firstBytes, inMillis(l.first.Sub(begin)))
	if most, err := x.parley.memory("VmHWM"); err == nil && known {
		x.growth = append(x.growth, float64(most-before)/(1<<20))
	}
	return l, nil
}

func (x *exporter) path(form string) string {
	return fmt.Sprintf("/v1/prisoner-exchanges.%s?date=%s..%s", form, x.first, x.last)
}

// fetched is an export over HTTP.
func (x *exporter) fetched(from *child, form string) (lines, error) {
	return download(x.ctx, from.address, x.path(form))
}

func download(ctx context.Context, address, path string) (lines, error) {
	c, err := dial(address)
	if err != nil {
		return lines{}, err
	}
	defer c.Close()
	defer context.AfterFunc(ctx, func() { _ = c.Close() })()
	var l lines
	a, err := c.do(get(address, path, ""), &l)
	if err == nil && a.status != 200 {
		err = fmt.Errorf("status %d to %s", a.status, path)
	}
	return l, err
}

// copied is the same by COPY.
func (x *exporter) copied() (lines, error) {
	var l lines
	err := x.db.AcquireFunc(x.ctx, func(conn *pgxpool.Conn) error {
		_, err := conn.Conn().PgConn().CopyTo(x.ctx, &l, csvStatement(x.parley.url(), x.first, x.last))
		return err
	})
	return l, err
}
