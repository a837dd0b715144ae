package admin

import (
	"log/slog"
	"net/http"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"dlm/engine"
	"dlm/engine/auth"
)

// scrapesMax is how many scrapes are answered at one time. More are answered 503.
const scrapesMax = 2

// family is one metric. Its labels have few values, all of them words of the program: names of
// locks, services and tokens are never labels.
type family struct {
	name   string
	kind   prometheus.ValueType
	help   string
	labels []string
	emit   func(s *engine.Stats, out func(value float64, labels ...string))
}

// number is a family without labels.
func number(name string, kind prometheus.ValueType, help string, value func(*engine.Stats) float64) family {
	return family{name: name, kind: kind, help: help,
		emit: func(s *engine.Stats, out func(float64, ...string)) { out(value(s)) }}
}

// named is a family with one label of the names of a list.
func named(name, label, help string, list func(*engine.Stats) []engine.NamedCount) family {
	return family{name: name, kind: prometheus.CounterValue, help: help, labels: []string{label},
		emit: func(s *engine.Stats, out func(float64, ...string)) {
			for _, n := range list(s) {
				out(float64(n.Count), n.Name)
			}
		}}
}

// engineCollector makes the metrics of one engine.Stats for each scrape, so that nothing is counted
// twice.
type engineCollector struct {
	stats    func() engine.Stats
	families []family
	descs    []*prometheus.Desc // of families, then of histograms
}

func newEngineCollector(stats func() engine.Stats) *engineCollector {
	c := &engineCollector{stats: stats, families: slices.Concat(families, processFamilies(time.Now()))}
	for _, f := range c.families {
		c.descs = append(c.descs, prometheus.NewDesc(f.name, f.help, f.labels, nil))
	}
	for i := range histograms {
		c.descs = append(c.descs, histograms[i].desc())
	}
	return c
}

// Describe implements prometheus.Collector.
func (c *engineCollector) Describe(out chan<- *prometheus.Desc) {
	for _, d := range c.descs {
		out <- d
	}
}

// Collect implements prometheus.Collector.
func (c *engineCollector) Collect(out chan<- prometheus.Metric) {
	s := c.stats()
	for i, f := range c.families {
		f.emit(&s, func(value float64, labels ...string) {
			out <- prometheus.MustNewConstMetric(c.descs[i], f.kind, value, labels...)
		})
	}
	for i := range histograms {
		histograms[i].emit(c.descs[len(c.families)+i], &s, out)
	}
}

// metrics are the registry of one server and what the HTTP side counts itself.
type metrics struct {
	handler  http.Handler
	requests *prometheus.CounterVec
}

// newMetrics makes a registry of its own: what libraries put into the global one is not served.
// streams returns how many viewers look at this moment.
func newMetrics(stats func() engine.Stats, streams func() int, log *slog.Logger) *metrics {
	registry := prometheus.NewRegistry()
	m := &metrics{requests: prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "dlm_http_requests_total",
		Help: "Answered requests of the HTTP side, by route and status.",
	}, []string{"path", "code"})}
	live := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "dlm_live_streams",
		Help: "Viewers of the pages that are told of each second.",
	}, func() float64 { return float64(streams()) })
	registry.MustRegister(newEngineCollector(stats), m.requests, live,
		collectors.NewGoCollector())
	m.handler = promhttp.HandlerFor(registry, promhttp.HandlerOpts{
		ErrorLog:            slog.NewLogLogger(log.With("event", "scrape-failed").Handler(), slog.LevelWarn),
		MaxRequestsInFlight: scrapesMax,
		EnableOpenMetrics:   true,
		DisableCompression:  true, // it takes longer than the rest, to save 25 KB a scrape
	})
	return m
}

// scrape answers GET /metrics.
func (s *Server) scrape(w http.ResponseWriter, r *http.Request) {
	if !s.visitorOf(r).open() {
		if _, ok := s.permit(w, r, auth.RoleMetrics, auth.RoleRead, auth.RoleLock, auth.RoleAdmin); !ok {
			return
		}
	}
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	s.metrics.handler.ServeHTTP(w, r)
}

// image is a gauge of the newest image. A server without one has no sample.
func image(name, help string, value func(*engine.Stats) float64) family {
	return family{name: name, kind: gauge, help: help, emit: func(s *engine.Stats, out func(float64, ...string)) {
		if s.Image.Path != "" {
			out(value(s))
		}
	}}
}

// backup is a family without labels that a primary has no sample of.
func backup(name string, kind prometheus.ValueType, help string, value func(*engine.Stats) float64) family {
	return family{name: name, kind: kind, help: help, emit: func(s *engine.Stats, out func(float64, ...string)) {
		if s.Backup {
			out(value(s))
		}
	}}
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

func sinceSeconds(t time.Time) float64 { return time.Since(t).Seconds() }
