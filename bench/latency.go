package bench

import (
	"slices"

	"github.com/HdrHistogram/hdrhistogram-go"
)

const (
	// latencyMaxNs is the longest latency that is told apart; longer ones count as this long.
	latencyMaxNs = 120_000_000_000
	// latencyDigits keeps a histogram in the processor's second cache, and its values within one in
	// a hundred.
	latencyDigits = 2
)

// Latencies collects the latencies of one loop in one round. Its owner is the loop.
type Latencies struct{ h *hdrhistogram.Histogram }

// NewLatencies returns an empty collection.
func NewLatencies() *Latencies {
	return &Latencies{hdrhistogram.New(1, latencyMaxNs, latencyDigits)}
}

// newRounds returns an empty collection for each round.
func newRounds(n int) (rounds []*Latencies) {
	for range n {
		rounds = append(rounds, NewLatencies())
	}
	return rounds
}

// Record adds n commands that took ns each.
func (l *Latencies) Record(ns int64, n int) {
	ns = min(max(ns, 1), latencyMaxNs)
	if err := l.h.RecordValues(ns, int64(n)); err != nil {
		panic("BUG: a latency outside of its histogram: " + err.Error())
	}
}

// Merge adds the content of another collection.
func (l *Latencies) Merge(from *Latencies) { l.h.Merge(from.h) }

// Latency is the distribution of a round, in nanoseconds.
type Latency struct {
	Count int64 `json:"count"`
	P50   int64 `json:"p50_ns"`
	P99   int64 `json:"p99_ns"`
	P999  int64 `json:"p999_ns"`
	Max   int64 `json:"max_ns"`
}

// Summary returns the quantiles.
func (l *Latencies) Summary() Latency {
	return Latency{Count: l.h.TotalCount(), P50: l.h.ValueAtQuantile(50), P99: l.h.ValueAtQuantile(99),
		P999: l.h.ValueAtQuantile(99.9), Max: l.h.Max()}
}

// flight has the batches of one connection that are under way, oldest first. It knows when each was
// due, so that a batch that was sent late is charged with the whole delay.
type flight struct {
	due  []int64
	head int // position of the oldest
}

func (f *flight) len() int { return len(f.due) - f.head }

func (f *flight) push(due int64) { f.due = append(f.due, due) }

// oldest is when the batch was due that is answered next.
func (f *flight) oldest() int64 { return f.due[f.head] }

func (f *flight) pop() {
	if f.head++; 2*f.head >= len(f.due) {
		f.due, f.head = append(f.due[:0], f.due[f.head:]...), 0
	}
}

// dropLast forgets the n newest.
func (f *flight) dropLast(n int) { f.due = f.due[:len(f.due)-n] }

// pace is the schedule of an open loop: batch j of all batches is due at start + j * gap.
type pace struct {
	startNs int64
	gapNs   float64 // a whole number would add up over a million batches
}

func newPace(startNs int64, rate, depth int) *pace {
	return &pace{startNs: startNs, gapNs: 1e9 * float64(depth) / float64(rate)}
}

func (p *pace) due(j int64) int64 { return p.startNs + int64(float64(j)*p.gapNs) }

// Median returns the middle of values, or the mean of the middle two.
func Median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	v := slices.Sorted(slices.Values(values))
	return (v[(len(v)-1)/2] + v[len(v)/2]) / 2
}
