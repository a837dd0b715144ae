package admin

import (
	"github.com/prometheus/client_golang/prometheus"

	"dlm/engine"
	"dlm/table"
)

// histogramStep leaves out every other power of two, because half as many series say as much.
const histogramStep = 2

// histogram is a metric with buckets: 2^16, 2^18 ... 2^46 ns, in seconds.
type histogram struct {
	name   string
	help   string
	label  string // of the outcome; empty: none
	values func(*engine.Stats) map[string]table.Histogram
}

// unlabelled is the key of the only histogram of a metric without a label.
const unlabelled = ""

var histograms = []histogram{
	{"dlm_wait_seconds", "How long ended waits have lasted, by outcome: granted, or ended without a grant.", "outcome",
		func(s *engine.Stats) map[string]table.Histogram {
			ended := s.Measures.Waited
			for i, n := range s.Measures.Granted {
				ended[i] -= min(n, ended[i])
			}
			return map[string]table.Histogram{"granted": s.Measures.Granted, "ended": ended}
		}},
	{"dlm_hold_seconds", "How long ended holds have lasted: of one release in 16, and of each expiry and forced end.", "",
		func(s *engine.Stats) map[string]table.Histogram {
			return map[string]table.Histogram{unlabelled: s.Measures.Held}
		}},
	{"dlm_settle_lag_seconds", "From the deadline of a lease or wait to its settling.", "",
		func(s *engine.Stats) map[string]table.Histogram {
			return map[string]table.Histogram{unlabelled: s.SettleLag}
		}},
	{"dlm_loop_lag_seconds", "How long a loop takes to answer a probe; one per loop and second.", "",
		func(s *engine.Stats) map[string]table.Histogram {
			return map[string]table.Histogram{unlabelled: s.LoopLag}
		}},
}

// desc describes the metric to Prometheus.
func (h *histogram) desc() *prometheus.Desc {
	if h.label == "" {
		return prometheus.NewDesc(h.name, h.help, nil, nil)
	}
	return prometheus.NewDesc(h.name, h.help, []string{h.label}, nil)
}

// emit sends the metric. The sum is estimated from the middles of the buckets, because the server
// counts durations and adds none up.
func (h *histogram) emit(desc *prometheus.Desc, s *engine.Stats, out chan<- prometheus.Metric) {
	for outcome, counts := range h.values(s) {
		buckets, sum, below := map[float64]uint64{}, 0.0, uint64(0)
		for i, n := range counts {
			end := float64(table.BucketMax(i)) / 1e9
			sum += float64(n) * end * 3 / 4
			below += n
			if i%histogramStep == 0 && i < table.Buckets-1 {
				buckets[end] = below
			}
		}
		var labels []string
		if h.label != "" {
			labels = []string{outcome}
		}
		out <- prometheus.MustNewConstHistogram(desc, below, sum, buckets, labels...)
	}
}
