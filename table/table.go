package table

import (
	"iter"
	"math"
	"sync/atomic"

	"dlm/codec"
)

// Shards is the number of parts of the table.
const Shards = codec.Shards

// Largest settings of the limits.
const (
	LocksMaxMax   = 1 << 31
	WaitersMaxMax = 1 << 30
)

// Config has the settings of a table. All fields are required but Tap and Shared.
type Config struct {
	// Tap, if not nil, is called with every change of a lock, under the mutex of its shard. It must
	// be quick and must not call the table.
	Tap func(*Event)

	Shared            bool        // several threads execute commands at the same time: see Prefetch
	Seed              uint64      // secret, see hash.go
	TokenStart        codec.Token // every token is larger than this
	TTLMs             uint32      // lease of a hold whose ACQUIRE gave none
	LocksMax          int         // most held locks
	WaitersMax        int         // most waiting requests
	WaitersPerLockMax int         // most waiting requests on one lock
	RequestsMax       int         // most records of requests with REQ
}

// Table is all locks, in 256 shards that share nothing but the pools of the
// limits. The zero value is not usable.
type Table struct {
	shards [Shards]Shard // first: at the beginning of a page, and so of a cache line

	// Two lines: what most commands read, and what is rarely written.
	next     atomic.Uint64 // a lower bound of all due: lowered by who publishes, raised by Survey
	key      [5]uint64     // of the hash of names, see setKeys
	ceiling  atomic.Uint64 // no token is larger, see SetTokenCeiling
	ttlMs    uint32        // from the configuration
	ttlMaxMs uint32        // longest TTL of a command, see SetTTLMax
	// no memory is left, see memory.go; read by every ACQUIRE that needs a record
	full   atomic.Bool
	tap    atomic.Pointer[func(*Event)] // see SetTap; read by every change of a lock
	locks  pool
	config Config

	longKey  [4]uint64 // for names of more than a block, from the seed
	pauses   *Pauses
	waiters  pool
	requests pool
	endedMax int // most records of ended requests in a shard

	measures   *[Shards]measures
	tenancies  [Shards]tenancy              // by shard, see tenant.go
	lost       atomic.Pointer[func(*Event)] // see SetLost
	memoryLeft atomic.Int64                 // bytes that may be taken, see memory.go

	// due is, by shard, a lower bound of the tick of the next deadline, which the ticker reads
	// without a mutex. It is written under the shard's mutex.
	due [Shards]atomic.Uint64
}

// New returns an empty table.
func New(c Config) *Table {
	t := &Table{config: c, ttlMs: c.TTLMs, ttlMaxMs: codec.TTLMaxMs, pauses: new(Pauses)}
	t.setKeys(c.Seed)
	t.measures = new([Shards]measures)
	t.ceiling.Store(uint64(codec.TokenMax))
	t.next.Store(math.MaxUint64)
	t.memoryLeft.Store(math.MaxInt64)
	t.locks.init(c.LocksMax)
	t.waiters.init(c.WaitersMax)
	if c.Tap != nil {
		t.tap.Store(&c.Tap)
	}
	t.requests.init(c.RequestsMax)
	t.endedMax = max(c.RequestsMax/Shards, 1)
	for i := range t.shards {
		s := &t.shards[i]
		s.table, s.number, s.counter = t, uint8(i), c.TokenStart
		s.locks.free = none
		s.ended.init()
		s.over.init()
		t.due[i].Store(math.MaxUint64)
	}
	return t
}

// Shard returns the shard that owns the names of that hash.
func (t *Table) Shard(hash uint64) *Shard { return &t.shards[hash>>56] }

// ShardAt returns shard i, 0 to Shards-1.
func (t *Table) ShardAt(i int) *Shard { return &t.shards[i] }

// Locked yields all shards, one after the other, each with its mutex held.
func (t *Table) Locked() iter.Seq[*Shard] {
	return func(yield func(*Shard) bool) {
		for i := range t.shards {
			s := &t.shards[i]
			s.Lock()
			more := yield(s)
			s.Unlock()
			if !more {
				return
			}
		}
	}
}

// Due reports whether shard i has a lease or a wait to end at table time now. It may be called
// without the shard's mutex.
func (t *Table) Due(i int, now int64) bool { return t.due[i].Load() <= tickAt(now) }

// Next returns the table time, in ns, before which no shard has a lease or a wait to end. It may be
// called at any time. It is a lower bound until the next Survey.
func (t *Table) Next() int64 { return int64(min(t.next.Load(), math.MaxInt64/nsPerTick) * nsPerTick) }

// Survey makes Next exact again, after shards have ended leases or waits.
func (t *Table) Survey() {
	t.next.Store(math.MaxUint64) // first, because ticks that are published from here on lower it
	first := uint64(math.MaxUint64)
	for i := range t.due {
		first = min(first, t.due[i].Load())
	}
	t.lowerNext(first)
}

func (t *Table) lowerNext(tick uint64) {
	for next := t.next.Load(); tick < next; next = t.next.Load() {
		if t.next.CompareAndSwap(next, tick) {
			return
		}
	}
}

// SetTTLMax sets the longest TTL that a command may ask for, in ms, before the first command.
// Without a call it is codec.TTLMaxMs. A command with a longer one is answered BadArg.
func (t *Table) SetTTLMax(ms uint32) { t.ttlMaxMs = ms }

// TTLMax returns the longest TTL that a command may ask for, in ms.
func (t *Table) TTLMax() uint32 { return t.ttlMaxMs }

// SetTokenCeiling sets the largest token that may be given. At the ceiling new holds are refused.
// Without a call it is codec.TokenMax.
func (t *Table) SetTokenCeiling(most codec.Token) { t.ceiling.Store(uint64(most)) }

// TokenCeiling returns the largest token that may be given.
func (t *Table) TokenCeiling() codec.Token { return codec.Token(t.ceiling.Load()) }

func (s *Shard) tokenMax() codec.Token { return codec.Token(s.table.ceiling.Load()) }

// SetTap makes the table call tap with every change of a lock from now on, in place of Config.Tap;
// nil: it calls nothing. The tap runs under the mutex of the shard, so it must be quick, and must
// not call the table. Several shards may call it at the same time. SetTap may be called at any
// time.
func (t *Table) SetTap(tap func(*Event)) { setHook(&t.tap, tap) }

// SetLost is SetTap for the ends of holds that their owners have not asked for: EventExpire and
// EventForce. Nothing else looks at this hook.
func (t *Table) SetLost(lost func(*Event)) { setHook(&t.lost, lost) }

func setHook(at *atomic.Pointer[func(*Event)], hook func(*Event)) {
	if hook == nil {
		at.Store(nil)
		return
	}
	at.Store(&hook)
}

// Totals returns the sum over all shards, locking one after the other.
func (t *Table) Totals() (sum Totals) {
	for s := range t.Locked() {
		sum.add(s)
	}
	return sum
}

// tickAt returns the last tick that has begun at table time now.
func tickAt(now int64) uint64 { return uint64(now) / nsPerTick }

// tickOf returns the first tick at whose beginning the deadline has come.
func tickOf(deadline int64) uint64 { return (uint64(deadline) + nsPerTick - 1) / nsPerTick }

const (
	nsPerTick = 1_000_000
	nsPerMs   = 1_000_000
)
