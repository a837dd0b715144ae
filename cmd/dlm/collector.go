package main

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

const (
	// heapFloor is the least goal of a cycle, in bytes of heap; a cycle begins somewhat before its goal.
	heapFloor = 32 << 20
	// heapMinOfGo is the same at GOGC=100, and grows with it.
	heapMinOfGo = 4 << 20
	// collectorPart of --max-memory is where the collector begins to work harder, in percent:
	// beyond the limit, so that a table at its limit is not collected all the time.
	collectorPart = 110
)

// spareCollector keeps the garbage collector from running while the heap is small, by the live heap of the last cycle: a
// server whose locks and waiters grow to 30 MB would go through four cycles, and while one
// runs, commands cost it several times as much. Beyond the floor all is as usual: the next
// cycle begins when the heap has doubled. GOGC in the environment turns this off.
func spareCollector() {
	if os.Getenv("GOGC") != "" {
		return
	}
	percent := percentAbove(0)
	debug.SetGCPercent(percent)
	afterEachCycle(func() {
		live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
		metrics.Read(live)
		if next := percentAbove(live[0].Value.Uint64()); next != percent { // to set it stops the process for a moment
			percent = next
			debug.SetGCPercent(percent)
		}
	})
}

// percentAbove returns the GOGC with which the next cycle has its goal at the floor, or when what is live
// has doubled, whichever comes later.
func percentAbove(live uint64) int {
	const most = 100 * heapFloor / heapMinOfGo
	if live >= heapFloor/2 {
		return 100
	}
	return int(min(most, 100*(heapFloor-live)/max(live, 1)))
}

// afterEachCycle calls f in a goroutine of the runtime after each cycle of the collector: once an object that nobody
// refers to is gone.
func afterEachCycle(f func()) {
	runtime.AddCleanup(new([64]byte), func(f func()) {
		f()
		afterEachCycle(f)
	}, f)
}

// limitCollector has the collector keep the heap near the limit, unless GOMEMLIMIT in the
// environment says where.
func limitCollector(memoryMax int64) {
	if memoryMax > 0 && os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(memoryMax / 100 * collectorPart)
	}
}
