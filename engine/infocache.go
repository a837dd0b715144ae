package engine

import (
	"sync"
	"time"
)

const (
	// INFOs made per second, after the first ten; other requests get the last one
	infoPerSecond = 10
	infoAge       = int64(time.Second) / infoPerSecond
)

// infoCache has the last INFO of each set of sections. Making one locks all shards in turn and asks
// the runtime, which takes half a millisecond. Without the cache a client could send thousands of
// them.
type infoCache struct {
	mu     sync.Mutex
	made   map[uint32][]byte // by the set of sections, of which there are 256; guarded by mu
	credit int64             // ns; each INFO that may be made costs infoAge; guarded by mu
	at     int64             // when credit was last raised; guarded by mu
}

// mayMake takes a credit for making INFO at table time now, and reports whether there was one. The
// caller holds c.mu.
func (c *infoCache) mayMake(now int64) bool {
	if c.made == nil {
		c.made, c.credit = make(map[uint32][]byte), int64(time.Second)
	}
	c.credit = min(c.credit+max(now-c.at, 0), int64(time.Second))
	c.at = now
	if c.credit < infoAge {
		return false
	}
	c.credit -= infoAge
	return true
}

// appendInfo appends INFO of a set of sections, and reports whether it was made for this request.
func (e *Engine) appendInfo(b []byte, sections uint32, now int64) (_ []byte, made bool) {
	c := &e.infos
	c.mu.Lock()
	defer c.mu.Unlock()
	last, known := c.made[sections]
	if !c.mayMake(now) && known {
		return append(b, last...), false
	}
	from := len(b)
	for i, s := range infoSections {
		if sections&(1<<i) == 0 {
			continue
		}
		if len(b) > from {
			b = append(b, "\r\n"...)
		}
		b = append(b, "# "+s.name+"\r\n"...)
		b = s.write(e, b)
	}
	c.made[sections] = append(last[:0], b[from:]...)
	return b, true
}
