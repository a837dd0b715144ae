package admin

import (
	"io"
	"log/slog"
	"net/http/httptest"
	"testing"

	"dlm/engine"
)

// BenchmarkScrape measures one answer to GET /metrics without the network.
func BenchmarkScrape(b *testing.B) {
	m := newMetrics(func() engine.Stats { return engine.Stats{} }, slog.New(slog.DiscardHandler))
	r := httptest.NewRequest("GET", "/metrics", nil)
	b.ReportAllocs()
	for b.Loop() {
		w := httptest.NewRecorder()
		m.handler.ServeHTTP(w, r)
		_, _ = io.Copy(io.Discard, w.Body)
	}
}
