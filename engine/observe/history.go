package observe

import (
	"math"
	"slices"
	"sync"
	"time"

	"dlm/table"
)

// historyKept is how many samples there are, one a second: ten minutes.
const historyKept = 600

// Columns are the names of the numbers in a sample. A name that ends in _per_s counts what happened
// in that second. Quantiles are of the last ten seconds, and 0 if nothing happened.
var Columns = [...]string{
	"locks_held", "locks_contended", "waiters", "connections", "buffered_bytes", "table_used_bytes",
	"longest_wait_ms", "longest_hold_ms",
	"commands_per_s", "errors_per_s", "acquires_per_s", "releases_per_s", "heartbeats_per_s",
	"grants_per_s", "grants_waited_per_s", "reentries_per_s", "holds_released_per_s", "expiries_per_s",
	"forced_per_s", "taken_back_per_s", "queued_per_s", "time_outs_per_s", "canceled_per_s",
	"accepted_per_s", "closed_per_s", "auth_failures_per_s",
	"wait_p50_ms", "wait_p99_ms", "hold_p50_ms", "hold_p99_ms", "settle_lag_ms", "loop_lag_ms",
}

// Sample is the state of a server in one second, in the order of Columns.
type Sample [len(Columns)]float64

// history is a ring of samples.
type history struct {
	mu   sync.Mutex
	ring [historyKept]Sample // sample n is at n%historyKept; guarded by mu
	next uint64              // number of the next sample; guarded by mu
	at   time.Time           // of the last sample; guarded by mu
}

// Record adds the sample of a second.
func (o *Observer) Record(s *Sample, at time.Time) {
	o.endKinds(at)
	h := &o.history
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ring[h.next%historyKept] = *s
	h.next++
	h.at = at
}

// HistoryAnswer is the last samples, by column.
type HistoryAnswer struct {
	StepMs  int64                `json:"step_ms"`
	Next    uint64               `json:"next"`  // number of the sample after the last
	AtMs    int64                `json:"at_ms"` // of the last sample
	Columns map[string][]float64 `json:"columns"`
}

// History answers the last samples of some columns; none: of all. Names that are no column are left
// out.
func (o *Observer) History(last int, names []string) *HistoryAnswer {
	h := &o.history
	h.mu.Lock()
	defer h.mu.Unlock()
	n := min(uint64(last), historyKept, h.next)
	a := &HistoryAnswer{StepMs: 1000, Next: h.next, AtMs: h.at.UnixMilli(), Columns: map[string][]float64{}}
	for i, column := range Columns {
		if len(names) > 0 && !slices.Contains(names, column) {
			continue
		}
		list := make([]float64, 0, n)
		for seq := h.next - n; seq < h.next; seq++ {
			list = append(list, h.ring[seq%historyKept][i])
		}
		a.Columns[column] = list
	}
	return a
}

// Last returns the newest sample by column, and its number; none before the first second.
func (o *Observer) Last() (numbers map[string]float64, seq uint64) {
	h := &o.history
	h.mu.Lock()
	defer h.mu.Unlock()
	numbers = make(map[string]float64, len(Columns))
	if h.next == 0 {
		return numbers, 0
	}
	for i, column := range Columns {
		numbers[column] = h.ring[(h.next-1)%historyKept][i]
	}
	return numbers, h.next - 1
}

// QuantileMs returns the duration in ms below which a part q of the durations lies that now has
// counted and before has not; 0: there are none. Within a bucket the durations count as spread
// evenly.
func QuantileMs(now, before *table.Histogram, q float64) float64 {
	sum := now.Count() - before.Count()
	if sum == 0 {
		return 0
	}
	rank := q * float64(sum)
	for i := range table.Buckets {
		n := float64(now[i] - before[i])
		if rank > n {
			rank -= n
			continue
		}
		low := 0.0
		if i > 0 {
			low = float64(table.BucketMax(i - 1))
		}
		ns := low + (float64(table.BucketMax(i))-low)*rank/max(n, 1)
		return math.Round(ns/1e3) / 1e3
	}
	return float64(table.BucketMax(table.Buckets-1)) / float64(nsPerMs)
}
