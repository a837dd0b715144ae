package auth

import (
	"sync"
	"time"
)

// attemptsFree is how many wrong tokens of an address are answered without delay.
const attemptsFree = 5

const (
	attemptsForgive  = time.Second            // after it one wrong token of an address is forgotten
	attemptsDelayMin = 100 * time.Millisecond // beyond attemptsFree; each further one doubles it
	attemptsDebtMax  = (attemptsFree + 10) * attemptsForgive
	attemptsKnownMax = 1 << 14 // addresses that are remembered: 400 KB
)

// DelayMax is the longest delay of an answer: as long as a connection has to authenticate.
const DelayMax = 5 * time.Second

// Attempts remembers which addresses have shown wrong tokens. The answer to a wrong token is
// withheld the longer the more came from its address. A right token is answered without delay,
// whatever others at its address do, because many clients can share one: guessing must become
// slow, not locking. The zero value is ready. Any goroutine may use it.
type Attempts struct {
	mu       sync.Mutex           // guards all
	debts    map[AddressKey]int64 // table time at which all wrong tokens are forgotten
	counts   AttemptCounts
	purgedAt int64 // table time at which room has last looked at all addresses
}

// AttemptCounts says how many wrong tokens there were since the process began.
type AttemptCounts struct {
	Total     uint64
	HTTP      uint64 // of Total, those that the HTTP side has seen
	Delayed   uint64 // of Total, those whose answer was withheld
	Addresses int    // that are remembered
}

// NoteHTTP is Note for a wrong token that was shown to the HTTP side.
func (a *Attempts) NoteHTTP(key AddressKey, now int64) time.Duration {
	a.mu.Lock()
	a.counts.HTTP++
	a.mu.Unlock()
	return a.Note(key, now)
}

// Note counts a wrong token and returns how long its answer is to be withheld. now is table
// time in ns. An address for which there is no room is always delayed.
func (a *Attempts) Note(key AddressKey, now int64) time.Duration {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.counts.Total++
	if key == NoAddress {
		return 0
	}
	until, known := a.debts[key]
	if !known && !a.room(now) {
		return attemptsDelayMin // nothing is remembered of this address
	}
	until = min(max(until, now)+int64(attemptsForgive), now+int64(attemptsDebtMax))
	a.debts[key] = until
	delay := delayFor(int((until - now + int64(attemptsForgive) - 1) / int64(attemptsForgive)))
	if delay > 0 {
		a.counts.Delayed++
	}
	return delay
}

// delayFor returns how long the answer to a wrong token is withheld, if n of its address are
// remembered.
func delayFor(n int) time.Duration {
	if n <= attemptsFree {
		return 0
	}
	return min(attemptsDelayMin<<(n-attemptsFree-1), DelayMax)
}

// room makes room for one more address by forgetting those that owe nothing, and reports whether
// there is room. It looks at all addresses at most once per attemptsForgive, because a guesser with
// many addresses makes the loops ask for room with each wrong token.
func (a *Attempts) room(now int64) bool {
	if a.debts == nil {
		a.debts = make(map[AddressKey]int64)
	}
	if len(a.debts) >= attemptsKnownMax && now-a.purgedAt >= int64(attemptsForgive) {
		a.purgedAt = now
		for key, until := range a.debts {
			if until <= now {
				delete(a.debts, key)
			}
		}
	}
	return len(a.debts) < attemptsKnownMax
}

// Counts returns the counters.
func (a *Attempts) Counts() AttemptCounts {
	a.mu.Lock()
	defer a.mu.Unlock()
	c := a.counts
	c.Addresses = len(a.debts)
	return c
}
