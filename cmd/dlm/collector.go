package main

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

const (
	// heapFloor is the least goal of a cycle, in bytes of heap. A cycle begins shortly before its
	// goal is reached.
	heapFloor = 32 << 20
	// heapMinOfGo is Go's own least goal at GOGC=100. It grows in proportion to GOGC.
	heapMinOfGo = 4 << 20
	// collectorPart is the heap size from which the collector works harder, in percent of
	// --max-memory. It is more than 100 so that a table at its limit is not collected all the time.
	collectorPart = 110
)

// tuneGC keeps the garbage collector from running while the heap is small. Without it a
// server whose locks and waiters grow to 30 MB goes through four cycles, and commands cost several
// times as much during a cycle. Above the floor Go's rule applies: the next cycle begins when the
// live heap of the last one has doubled. GOGC in the environment turns this off.
func tuneGC() {
	if os.Getenv("GOGC") != "" {
		return
	}
	percent := percentAbove(0)
	debug.SetGCPercent(percent)
	afterEachCycle(func() {
		live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
		metrics.Read(live)
		// setting it stops the process for a moment
		if next := percentAbove(live[0].Value.Uint64()); next != percent {
			percent = next
			debug.SetGCPercent(percent)
		}
	})
}

// percentAbove returns the GOGC that puts the next goal at the floor, or at twice the live heap,
// whichever is larger.
func percentAbove(live uint64) int {
	const most = 100 * heapFloor / heapMinOfGo
	if live >= heapFloor/2 {
		return 100
	}
	return int(min(most, 100*(heapFloor-live)/max(live, 1)))
}

// afterEachCycle calls f in a goroutine of the runtime after each cycle of the collector. It does
// so through the cleanup of an object that nothing refers to.
func afterEachCycle(f func()) {
	runtime.AddCleanup(new([64]byte), func(f func()) {
		f()
		afterEachCycle(f)
	}, f)
}

// limitCollector makes the collector keep the heap near the limit, unless GOMEMLIMIT in the
// environment sets one.
func limitCollector(memoryMax int64) {
	if memoryMax > 0 && os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(memoryMax / 100 * collectorPart)
	}
}
