package engine

import (
	"math/bits"
	"sync/atomic"

	"dlm/table"
)

// lags is a histogram of delays in ns, which several goroutines write.
type lags [table.Buckets]atomic.Uint64

func (l *lags) add(ns int64) {
	const shift = 16 // as of table.BucketMax
	i := bits.Len64(uint64(max(ns-1, 0))) - shift
	l[min(max(i, 0), table.Buckets-1)].Add(1)
}

func (l *lags) histogram() (h table.Histogram) {
	for i := range l {
		h[i] = l[i].Load()
	}
	return h
}

// noteSettling notes how late the settling of the first due entry begins, if there is any.
func (e *Engine) noteSettling(t *table.Table, now int64) {
	if next := t.Next(); next <= now {
		e.settleLag.add(now - next)
	}
}

// askLag asks each loop, once a second, to note how long it takes to look at its inbox.
func (e *Engine) askLag() {
	now := e.clock.Now()
	for _, r := range e.reactors {
		if r.wakeLoop.Load() != nil && r.lagAsked.CompareAndSwap(0, now) {
			r.wake()
		}
	}
}

// answerLag notes how long ago the loop was asked, and publishes its traffic.
func (r *reactor) answerLag() {
	if asked := r.lagAsked.Swap(0); asked != 0 {
		r.e.loopLag.add(r.e.clock.Now() - asked)
		r.traffic.publish()
	}
}
