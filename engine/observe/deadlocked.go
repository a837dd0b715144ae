package observe

import "time"

// Deadlocked returns how many deadlocks the last view has, how many services are in them, and for
// how long the oldest has stood. It waits for nothing, and lets the view be made again when its
// rest is over.
func (o *Observer) Deadlocked() (cycles, services int, oldest time.Duration) {
	v := &o.deadlocks
	if !o.runs.Load() {
		v.renew(o)
	}
	v.mu.Lock()
	last, age := v.last, time.Since(v.at)
	v.wanted = true
	v.mu.Unlock()
	o.ring()
	if last == nil {
		return 0, 0, 0
	}
	within := map[string]bool{}
	for _, c := range last.cycles {
		stood := c[0].WaitedMs
		for i := range c { // it stands since its last wait began
			stood = min(stood, c[i].WaitedMs)
			within[string(c[i].Service)] = true
		}
		oldest = max(oldest, time.Duration(stood)*time.Millisecond+age)
	}
	return len(last.cycles), len(within), oldest
}
