package bench

import (
	"slices"

	"github.com/HdrHistogram/hdrhistogram-go"
)

const (
	// latencyMaxNs is the longest latency that is told apart; longer ones count
	// as this long.
	latencyMaxNs = 120_000_000_000
	// latencyDigits keeps a histogram in the processor's second cache and its
	// values within one in a hundred.
	latencyDigits = 2
)

// Latencies collects the latencies of one loop in one round. Owned by its loop
// while that runs.
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

// Merge adds what another collection has.
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

// flight is the batches of one connection that are under way, oldest first. It
// knows when each was due, so that a batch that was sent late, or that waited
// after a late one, is charged with the whole delay.
type flight struct {
	due  []int64 // a ring; its length is a power of two
	head int     // position of the oldest
	n    int
}

func (f *flight) push(due int64) {
	if f.n == len(f.due) {
		f.grow()
	}
	f.due[(f.head+f.n)&(len(f.due)-1)] = due
	f.n++
}

// grow doubles the ring; only an open loop that lags gets here.
func (f *flight) grow() {
	bigger := make([]int64, max(2*len(f.due), 4))
	for i := range f.n {
		bigger[i] = f.due[(f.head+i)&(len(f.due)-1)]
	}
	f.due, f.head = bigger, 0
}

// oldest is when the batch was due that is answered next.
func (f *flight) oldest() int64 { return f.due[f.head] }

func (f *flight) pop() {
	f.head = (f.head + 1) & (len(f.due) - 1)
	f.n--
}

// pace is the schedule of an open loop: batch j of all batches is due at
// start + j * gap, and goes to connection j % conns.
type pace struct {
	startNs int64
	gapNs   float64 // a fraction would add up over a million batches
}

func newPace(startNs int64, rate, depth int) pace {
	return pace{startNs: startNs, gapNs: 1e9 * float64(depth) / float64(rate)}
}

func (p pace) due(j int64) int64 { return p.startNs + int64(float64(j)*p.gapNs) }

// median of what may be in any order; the mean of the middle two if there are two.
func median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	v := slices.Sorted(slices.Values(values))
	m := len(v) / 2
	if len(v)%2 == 1 {
		return v[m]
	}
	return (v[m-1] + v[m]) / 2
}
