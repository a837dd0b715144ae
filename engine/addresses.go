package engine

import (
	"cmp"
	"sync"
	"time"

	"dlm/engine/auth"
)

const (
	// default of max-conns-per-address: enough for several services with a pool each
	connsPerAddress = 1_000
	// default of max-new-conns-per-address: well above the rate of reconnecting clients
	newConnsPerAddress = 200
	addressesKnownMin  = 1_024 // number of known addresses below which purge does not run
)

// addresses bounds how many connections an address has, and how fast it opens new ones. An address
// may open as many together as it may have, and then that rate per second.
//
// By default connections from this machine are not bounded. A proxy in front of the server makes
// all its clients one address, and a program that runs here has other means to do harm.
type addresses struct {
	max      int   // connections of one address
	interval int64 // ns between two new ones of an address

	// An explicit setting holds for addresses of this machine too.
	localMax, localRate bool

	mu    sync.Mutex
	known map[auth.AddressKey]*addressConns // guarded by mu
	// size of known at which idle ones are forgotten; guarded by mu
	purgeAt int
}

// addressConns is the state of one address. It is forgotten when it has no connection and owes no
// time. So there are at most as many as connections, and as were opened within a moment.
type addressConns struct {
	open int
	owes int64 // table time before which it may open no other connection
}

// configure takes the settings, where 0 means the default.
func (a *addresses) configure(cfg *Config) {
	a.known = make(map[auth.AddressKey]*addressConns)
	a.purgeAt = addressesKnownMin
	a.localMax, a.localRate = cfg.ConnsPerAddressMax != 0, cfg.NewConnsPerAddressMax != 0
	a.max = cmp.Or(cfg.ConnsPerAddressMax, connsPerAddress)
	a.interval = int64(time.Second) / int64(cmp.Or(cfg.NewConnsPerAddressMax, newConnsPerAddress))
}

// arrive notes a new connection of the address, and reports whether it is counted. If it exceeds a
// limit, why says which.
func (a *addresses) arrive(key auth.AddressKey, loopback bool, now int64) (counted bool, why rejection) {
	if key == auth.NoAddress || loopback && !a.localMax && !a.localRate {
		return false, rejectNot
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	at := a.known[key]
	if at == nil {
		a.purge(now)
		at = &addressConns{}
		a.known[key] = at
	}
	switch owes := max(at.owes, now) + a.interval; {
	case at.open >= a.max && (a.localMax || !loopback):
		return false, rejectAddressConns
	case owes-now > a.interval*int64(a.max) && (a.localRate || !loopback):
		return false, rejectAddressRate
	default:
		at.open++
		at.owes = min(owes, now+a.interval*int64(a.max))
		return true, rejectNot
	}
}

// leave notes the end of a connection that was counted.
func (a *addresses) leave(at *arrival) {
	if !at.counted {
		return
	}
	at.counted = false
	a.mu.Lock()
	a.known[at.from].open--
	a.mu.Unlock()
}

// purge forgets idle addresses when there are many. It runs again when there are twice as many as
// remain, so that its cost per arrival is small.
func (a *addresses) purge(now int64) {
	if len(a.known) < a.purgeAt {
		return
	}
	for key, at := range a.known {
		if at.open == 0 && at.owes <= now {
			delete(a.known, key)
		}
	}
	a.purgeAt = max(addressesKnownMin, 2*len(a.known))
}

// size returns how many addresses are known.
func (a *addresses) size() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.known)
}
