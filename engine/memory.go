package engine

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/metrics"
	"sync"
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

// memoryFile tells the memory of this process. It is opened once, because a server that has no
// descriptor left has to know its memory too. It is nil if the system has no such file.
var memoryFile = sync.OnceValue(func() *os.File {
	f, err := os.Open("/proc/self/statm")
	if err != nil {
		return nil
	}
	return f
})

// residentBytes returns the resident memory of the process; 0: the system does not tell it.
func residentBytes() int64 {
	f := memoryFile()
	if f == nil {
		return 0
	}
	var text [128]byte // two of its seven numbers are needed
	n, err := f.ReadAt(text[:], 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return 0
	}
	var size, resident int64                             // in pages
	_, _ = fmt.Sscan(string(text[:n]), &size, &resident) // no text has no numbers
	return resident * int64(os.Getpagesize())
}
