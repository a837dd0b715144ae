package bench

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var rewrite = flag.Bool("rewrite", false, "write the golden files anew; read the difference before")

// sampleReport has everything that a report can have, and cells that lack what
// may be missing.
func sampleReport() *Report {
	cpu, busy, allocs, bytesPerLock := 123.4, 0.5, 0.012, 181.25
	lag := Latency{Count: 10, P50: 900, P99: 2_000, P999: 2_500, Max: 3_000}
	round := func(perSecond float64, p50 int64) Round {
		return Round{Seconds: 2, Commands: int64(2 * perSecond), PerSecond: perSecond, CPU: &cpu, ServerBusy: &busy,
			ClientBusy: 0.25, Latency: Latency{Count: 1000, P50: p50, P99: 10 * p50, P999: 20 * p50, Max: 50 * p50}}
	}
	open := round(100_000, 45_000)
	open.Lag, open.Allocs = &lag, &allocs
	return &Report{
		Server: "127.0.0.1:7420", Start: time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC), Workload: "pair",
		Machine: Machine{CPUs: 2, Model: "Abacus 9000", Kernel: "6.18", Go: "go1.26"},
		Held:    10_000_000, BytesPerLock: &bytesPerLock,
		Cells: []*Cell{
			{Workload: "pair", Form: Text, Conns: 50, Depth: 1, Locks: 10_000,
				Rounds: []Round{round(90_000, 400_000), round(110_000, 410_000), round(100_000, 420_000)}},
			{Workload: "pair", Form: Text, Conns: 50, Depth: 256, Locks: 10_000, Rounds: []Round{round(7e6, 800_000)}},
			{Workload: "pair", Form: Text, Conns: 50, Depth: 1, Rate: 100_000, Rounds: []Round{open}},
			{Workload: "waiters", Step: "<drop> & done", Form: Text, Conns: 50, Depth: 64, Note: "nothing is known here",
				Rounds: []Round{{Seconds: 1, Commands: 5, PerSecond: 5}}},
		},
	}
}

func TestReportIsAsGoldenFile(t *testing.T) {
	got, err := json.MarshalIndent(sampleReport(), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join("testdata", "report.json")
	if *rewrite {
		if err := os.WriteFile(path, append(got, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != strings.TrimSuffix(string(want), "\n") {
		t.Errorf("%s differs; got\n%s", path, got)
	}
}

func TestCellsAreNamedByTheirSettings(t *testing.T) {
	c := &Cell{Workload: "waiters", Step: "drop", Form: Text, Conns: 5, Depth: 64, Rate: 1500}
	if got := c.title(); got != "waiters drop text, 5 connections, depth 64, 1.50k/s" {
		t.Errorf("got %q", got)
	}
}
