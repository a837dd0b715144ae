package admin

import (
	"io"
	"log/slog"
	"net/http/httptest"
	"strconv"
	"testing"

	"dlm/engine"
	"dlm/engine/durability"
)

// BenchmarkScrape measures one answer to GET /metrics without the network.
func BenchmarkScrape(b *testing.B) {
	s := engine.Stats{Durable: true, Image: durability.ImageState{Path: "image"}}
	for i := range 30 {
		word := strconv.Itoa(i)
		s.Commands = append(s.Commands, engine.ResultCount{Command: word, Result: "ok"}, engine.ResultCount{Command: word, Result: "timeout"})
		if i < 10 {
			s.Refused = append(s.Refused, engine.NamedCount{Name: word})
			s.Closed = append(s.Closed, engine.NamedCount{Name: word})
		}
	}
	m := newMetrics(func() engine.Stats { return s }, func() int { return 0 }, slog.New(slog.DiscardHandler))
	r := httptest.NewRequest("GET", "/metrics", nil)
	r.Header.Set("Accept-Encoding", "gzip") // as Prometheus does
	b.ReportAllocs()
	for b.Loop() {
		w := httptest.NewRecorder()
		m.handler.ServeHTTP(w, r)
		_, _ = io.Copy(io.Discard, w.Body)
	}
}
