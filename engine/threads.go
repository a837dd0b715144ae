package engine

import (
	"math"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

const (
	loanGap  = 50 * time.Millisecond  // uses that follow one another so closely are worth a loan
	loanTime = 250 * time.Millisecond // how long it lasts after the last use, at least
)

var lending sync.Mutex

// lendThreads lets n more threads run Go code at the same time, or takes them back.
func lendThreads(n int) {
	lending.Lock()
	defer lending.Unlock()
	if n != 0 {
		runtime.GOMAXPROCS(runtime.GOMAXPROCS(0) + n)
	}
}

// beside does what takes long while the loops serve, with a thread more than
// they have: so the kernel shares the cores, and a loop under full load need not
// wait until the work is taken off its thread, for 10 ms.
//
// The thread is not lent for ever, since an idle one costs: whenever a loop has
// nothing to read it gives way, the idle thread is woken up to look for work, and
// often it goes on with the loop. At one command per read that took a tenth of the CPU time.
func beside(work func()) {
	lendThreads(1)
	defer lendThreads(-1)
	work()
}

// loan is a thread that is lent while what the loops do not do themselves comes
// often: a connection to accept, or a deadline that no batch has settled. Beside
// a loop that is busy, or whose thread the scheduler believes to be, these would
// wait for up to 10 ms, each time.
type loan struct {
	used atomic.Int64 // table time of the last use, ns
	lent atomic.Bool
}

// use lends the thread if the last use is not long ago.
func (l *loan) use(now int64) {
	if now-l.used.Swap(now) < int64(loanGap) && l.lent.CompareAndSwap(false, true) {
		lendThreads(1)
	}
}

// settle takes the thread back when it was not used for a while.
func (l *loan) settle(now int64) {
	if now-l.used.Load() > int64(loanTime) && l.lent.CompareAndSwap(true, false) {
		lendThreads(-1)
	}
}

// end takes the thread back.
func (l *loan) end() { l.settle(math.MaxInt64) }
