package engine

import (
	"math"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

const (
	extraProcGap  = 50 * time.Millisecond  // uses that follow each other so closely are worth one
	extraProcTime = 250 * time.Millisecond // how long it lasts after the last use, at least
)

var lending sync.Mutex

// addProcs lets n more threads run Go code at the same time, or takes them back.
func addProcs(n int) {
	lending.Lock()
	defer lending.Unlock()
	if n != 0 {
		runtime.GOMAXPROCS(runtime.GOMAXPROCS(0) + n)
	}
}

// withExtraProc does what takes long while the loops serve, with a thread more than
// they have: so the kernel shares the cores, and a loop under full load need not
// wait until the work is taken off its thread, for 10 ms.
//
// The thread is not lent for ever, since an idle one costs: whenever a loop has
// nothing to read it yields, the idle thread is woken up to look for work, and
// often it goes on with the loop. At one command per read that took a tenth of the CPU time.
func withExtraProc(work func()) {
	addProcs(1)
	defer addProcs(-1)
	work()
}

// extraProc is a thread that is lent while what the loops do not do themselves comes
// often: a connection to accept, or a deadline that no batch has settled. Beside
// a loop that is busy, or whose thread the scheduler believes to be, these would
// wait for up to 10 ms, each time.
type extraProc struct {
	used atomic.Int64 // table time of the last use, ns
	lent atomic.Bool
}

// use lends the thread if the last use is not long ago.
func (l *extraProc) use(now int64) {
	if now-l.used.Swap(now) < int64(extraProcGap) && l.lent.CompareAndSwap(false, true) {
		addProcs(1)
	}
}

// reclaim takes the thread back when it was not used for a while.
func (l *extraProc) reclaim(now int64) {
	if now-l.used.Load() > int64(extraProcTime) && l.lent.CompareAndSwap(true, false) {
		addProcs(-1)
	}
}

// end takes the thread back.
func (l *extraProc) end() { l.reclaim(math.MaxInt64) }
