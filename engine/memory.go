package engine

import (
	"fmt"
	"os"
	"runtime/metrics"
)

// MemoryMin is the smallest Config.MemoryMax. A server without a lock has some 13 MiB resident.
const MemoryMin = 32 << 20

// memoryUsed returns the resident memory of the process in bytes, less the free part of its heap,
// which the table can use without more becoming resident. If the system does not report it,
// memoryUsed returns the memory that the runtime has mapped.
func memoryUsed() int64 {
	samples := [...]metrics.Sample{{Name: "/memory/classes/heap/free:bytes"},
		{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	metrics.Read(samples[:])
	used := residentBytes()
	if used == 0 {
		used = int64(samples[1].Value.Uint64() - samples[2].Value.Uint64())
	}
	return used - int64(samples[0].Value.Uint64())
}

// checkMemory tells the table how much memory is left for it. Until the next call the table
// counts what it takes.
func (e *Engine) checkMemory() {
	if e.cfg.MemoryMax > 0 {
		e.tab().SetMemoryLeft(e.cfg.MemoryMax - e.memoryUsed())
	}
}

// residentBytes returns the resident memory of the process; 0: the system does not tell it.
func residentBytes() int64 {
	var size, resident int64                   // in pages
	text, _ := os.ReadFile("/proc/self/statm") // no text has no numbers
	_, _ = fmt.Sscan(string(text), &size, &resident)
	return resident * int64(os.Getpagesize())
}
