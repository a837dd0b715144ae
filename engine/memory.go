package engine

import (
	"bytes"
	"os"
	"runtime/metrics"
)

// MemoryMin is the smallest Config.MemoryMax. A server without a lock has some 13 MiB resident.
const MemoryMin = 32 << 20

// memoryGauge reads the memory of the process without allocating. Owned by the ticker.
type memoryGauge struct {
	statm   *os.File // nil: the system has no such file
	text    [128]byte
	samples [3]metrics.Sample
}

func (g *memoryGauge) open() {
	g.statm, _ = os.Open("/proc/self/statm")
	g.samples = [...]metrics.Sample{{Name: "/memory/classes/heap/free:bytes"},
		{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
}

func (g *memoryGauge) close() {
	if g.statm != nil {
		g.statm.Close()
	}
}

// used returns the resident memory of the process in bytes, less the free part of its heap, which
// the table can use without more becoming resident. If the system does not report it, used returns
// the memory that the runtime has mapped.
func (g *memoryGauge) used() int64 {
	metrics.Read(g.samples[:])
	free := int64(g.samples[0].Value.Uint64())
	if g.statm != nil {
		if n, _ := g.statm.ReadAt(g.text[:], 0); n > 0 {
			if resident, ok := residentOf(g.text[:n]); ok {
				return resident - free
			}
		}
	}
	return int64(g.samples[1].Value.Uint64()-g.samples[2].Value.Uint64()) - free
}

// residentOf reads the resident bytes from the text of /proc/self/statm: its second number, in
// pages.
func residentOf(statm []byte) (int64, bool) {
	_, rest, _ := bytes.Cut(statm, []byte{' '})
	pages, _, found := bytes.Cut(rest, []byte{' '})
	n := int64(0)
	for _, c := range pages {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	return n * int64(os.Getpagesize()), found && len(pages) > 0
}

// checkMemory tells the table how much memory is left for it. Until the next call the table
// counts what it takes.
func (e *Engine) checkMemory() {
	if e.cfg.MemoryMax > 0 {
		e.tab().SetMemoryLeft(e.cfg.MemoryMax - e.memoryUsed())
	}
}

// residentBytes returns the resident memory of the process, where the system tells it.
func residentBytes() (int64, bool) {
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0, false
	}
	return residentOf(text)
}
