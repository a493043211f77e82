package postgres

import (
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
)

// PoolCollector tells how a pool of connections stands, under a name of its own.
func PoolCollector(name string, pool *pgxpool.Pool) prometheus.Collector {
	c := &poolCollector{pool: pool}
	add := func(metric, help string, kind prometheus.ValueType, value func(*pgxpool.Stat) float64) {
		desc := prometheus.NewDesc("parley_db_pool_"+metric, help, nil, prometheus.Labels{"pool": name})
		c.figures = append(c.figures, poolFigure{desc, kind, value})
	}
	add("connections_max", "Connections that the pool may have.", prometheus.GaugeValue, func(s *pgxpool.Stat) float64 { return float64(s.MaxConns()) })
	add("connections", "Connections that the pool has.", prometheus.GaugeValue, func(s *pgxpool.Stat) float64 { return float64(s.TotalConns()) })
	add("connections_in_use", "Connections that are in use.", prometheus.GaugeValue, func(s *pgxpool.Stat) float64 { return float64(s.AcquiredConns()) })
	add("connections_made_total", "Connections that were made.", prometheus.CounterValue, func(s *pgxpool.Stat) float64 { return float64(s.NewConnsCount()) })
	add("acquires_total", "Times that a connection was taken.", prometheus.CounterValue, func(s *pgxpool.Stat) float64 { return float64(s.AcquireCount()) })
	add("acquires_waited_total", "Times that a connection was taken only after waiting for one.", prometheus.CounterValue, func(s *pgxpool.Stat) float64 { return float64(s.EmptyAcquireCount()) })
	add("acquires_canceled_total", "Times that waiting for a connection was given up.", prometheus.CounterValue, func(s *pgxpool.Stat) float64 { return float64(s.CanceledAcquireCount()) })
	add("acquire_wait_seconds_total", "Time spent waiting for a connection.", prometheus.CounterValue, func(s *pgxpool.Stat) float64 { return s.EmptyAcquireWaitTime().Seconds() })
	return c
}

type poolCollector struct {
	pool    *pgxpool.Pool
	figures []poolFigure
}

type poolFigure struct {
	desc  *prometheus.Desc
	kind  prometheus.ValueType
	value func(*pgxpool.Stat) float64
}

// Describe names the figures.
func (c *poolCollector) Describe(to chan<- *prometheus.Desc) {
	for _, f := range c.figures {
		to <- f.desc
	}
}

// Collect reads them, all at once.
func (c *poolCollector) Collect(to chan<- prometheus.Metric) {
	stat := c.pool.Stat()
	for _, f := range c.figures {
		to <- prometheus.MustNewConstMetric(f.desc, f.kind, f.value(stat))
	}
}
