package engine

import (
	"net/netip"
	"sync"
	"time"
)

const (
	attemptsFree     = 5                      // wrong tokens of an address that are answered without delay
	attemptsForgive  = time.Second            // after which one wrong token of an address is forgotten
	attemptsDelayMin = 100 * time.Millisecond // for the first beyond attemptsFree; each further one doubles it
	attemptsDelayMax = 5 * time.Second        // as long as a connection has to authenticate
	attemptsDebtMax  = (attemptsFree + 10) * attemptsForgive
	attemptsLogEvery = 10 * time.Second // between two lines about wrong tokens
	attemptsKnownMax = 1 << 14          // addresses that are remembered: 400 KB
)

// attempts remembers which addresses have shown wrong tokens. The answer to a wrong token
// is withheld the longer the more came from its address. A right token is answered without delay
// whatever others at its address do, because many clients can share one: guessing is to become
// slow, not locking.
type attempts struct {
	mu       sync.Mutex
	debts    map[addressKey]int64 // table time at which all wrong tokens are forgotten; guarded by mu
	total    uint64               // guarded by mu
	http     uint64               // of them on the HTTP side; guarded by mu
	delayed  uint64               // answers that were withheld; guarded by mu
	unlogged uint64               // since the last line; guarded by mu
	last     string               // where the last one came from; guarded by mu
	loggedAt int64                // table time; guarded by mu
}

// WrongToken notes that somebody at the address has shown a token that is not known to the HTTP
// side, and returns how long the address should wait. Any goroutine may call it.
func (e *Engine) WrongToken(from netip.Addr) time.Duration {
	e.attempts.mu.Lock()
	e.attempts.http++
	e.attempts.mu.Unlock()
	return e.attempts.note(keyOf(from), from.String(), e.clock.now())
}

func (a *attempts) note(key addressKey, from string, now int64) time.Duration {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.total++
	a.unlogged++
	a.last = from
	if key == noAddress {
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
		a.delayed++
	}
	return delay
}

// delayFor returns how long the answer to a wrong token is withheld, if n of its address are
// remembered.
func delayFor(n int) time.Duration {
	if n <= attemptsFree {
		return 0
	}
	return min(attemptsDelayMin<<(n-attemptsFree-1), attemptsDelayMax)
}

// room makes room for one more address by forgetting those that owe nothing, and reports
// whether there is some.
func (a *attempts) room(now int64) bool {
	if a.debts == nil {
		a.debts = make(map[addressKey]int64)
	}
	if len(a.debts) >= attemptsKnownMax {
		for key, until := range a.debts {
			if until <= now {
				delete(a.debts, key)
			}
		}
	}
	return len(a.debts) < attemptsKnownMax
}

// reportAttempts logs how many wrong tokens came since the last such line. The ticker calls
// it; a line per attempt would let anybody fill the log.
func (e *Engine) reportAttempts() {
	a, now := &e.attempts, e.clock.now()
	a.mu.Lock()
	n, last := a.unlogged, a.last
	if n == 0 || a.loggedAt != 0 && now-a.loggedAt < int64(attemptsLogEvery) {
		a.mu.Unlock()
		return
	}
	a.unlogged, a.loggedAt = 0, now
	a.mu.Unlock()
	e.cfg.Log.Warn("wrong tokens", "event", "wrong-tokens", "count", n, "last_from", last)
}

// info adds what INFO tells about wrong tokens.
func (a *attempts) info(b []byte) []byte {
	a.mu.Lock()
	defer a.mu.Unlock()
	b = infoLine(b, "wrong_tokens", a.total)
	b = infoLine(b, "wrong_tokens_http", a.http)
	b = infoLine(b, "wrong_tokens_delayed", a.delayed)
	return infoLine(b, "wrong_token_addresses", len(a.debts))
}
