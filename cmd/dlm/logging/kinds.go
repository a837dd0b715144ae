package logging

import (
	"log/slog"
	"sync"
	"time"
)

const (
	kindWindow = time.Second
	kindMax    = 10 // records of one kind in a window
	// kinds that are counted apart; messages are constants of the code, so they are few
	kindsMax = 256
)

// kinds counts the records of each kind in the present window. The kind of a record is its message.
type kinds struct {
	now func() time.Time

	mu sync.Mutex
	of map[string]*kind // guarded by mu
}

type kind struct {
	since   time.Time // when the window began
	count   int       // admitted in it
	leftOut int
}

func newKinds(now func() time.Time) *kinds {
	return &kinds{now: now, of: make(map[string]*kind)}
}

// admit reports whether a record may be logged. The first record that may not starts a timer. At
// the end of the window the timer calls tell with the number of records left out.
func (k *kinds) admit(message string, level slog.Level, tell func(kind string, level slog.Level, n int)) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if _, known := k.of[message]; !known && len(k.of) >= kindsMax {
		message = "other"
	}
	at := k.of[message]
	if at == nil {
		at = &kind{}
		k.of[message] = at
	}
	now := k.now()
	if at.leftOut == 0 && now.Sub(at.since) >= kindWindow {
		at.since, at.count = now, 0
	}
	if at.count < kindMax {
		at.count++
		return true
	}
	if at.leftOut++; at.leftOut == 1 {
		time.AfterFunc(kindWindow-now.Sub(at.since), func() { tell(message, level, k.end(at)) })
	}
	return false
}

// end ends the window of a kind and returns how many records were left out in it.
func (k *kinds) end(at *kind) int {
	k.mu.Lock()
	defer k.mu.Unlock()
	n := at.leftOut
	at.since, at.count, at.leftOut = k.now(), 0, 0
	return n
}
