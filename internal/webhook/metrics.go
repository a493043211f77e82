package webhook

import "github.com/prometheus/client_golang/prometheus"

// metrics are what a deliverer counts.
type metrics struct {
	due                        prometheus.Gauge
	accepted, failed, disabled prometheus.Counter
}

func newMetrics(r prometheus.Registerer) *metrics {
	attempts := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "parley_webhook_attempts_total", Help: "Attempts to deliver a message, by what came of them."}, []string{"outcome"})
	m := &metrics{
		due:      prometheus.NewGauge(prometheus.GaugeOpts{Name: "parley_webhooks_due", Help: "Webhooks that are to be told of changes, and wait for nothing else."}),
		accepted: attempts.WithLabelValues("accepted"),
		failed:   attempts.WithLabelValues("failed"),
		disabled: prometheus.NewCounter(prometheus.CounterOpts{Name: "parley_webhooks_disabled_total", Help: "Webhooks that were given up."}),
	}
	if r != nil {
		r.MustRegister(m.due, attempts, m.disabled)
	}
	return m
}
