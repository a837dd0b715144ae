package engine

import (
	"strings"
	"sync"
	"time"

	"dlm/codec"
	"dlm/engine/durability"
	"dlm/table"
)

// statsAge is how long one Stats is answered to all who ask. To make one takes the mutexes of all
// shards in turn, so that a flood of scrapes must not make one each.
const statsAge = 100 * time.Millisecond

// Stats are the counters and gauges of a server, the same that INFO shows in text. Counters begin
// with the process.
type Stats struct {
	Version    string
	Revision   string
	Uptime     time.Duration
	Backup     bool // else it is the primary
	Ready      bool // clients can be sent here
	Loops      int
	Pauses     uint64        // of the process, left out of table time
	Paused     time.Duration // what table time has left out of them
	LogDropped uint64        // records of the log that were not written

	AuditDropped uint64 // records of the audit that found no room
	AuditError   error  // why the audit can't be written; nil: it can

	Conns       int64
	ConnsMax    int
	Guests      int64         // connections beyond ConnsMax, of holders that renew and release
	Accepted    uint64        // connections
	ConnsBy     []Transport   // the same by transport
	Traffic     Traffic       // up to a second ago
	Refused     []NamedCount  // connections that were not served, by reason
	Closed      []NamedCount  // connections that the server ended, by reason
	Buffered    int64         // bytes in all connection buffers
	BufferedMax int64         // limit of Buffered
	Commands    []ResultCount // answered commands
	LimitHits   []NamedCount  // commands and connections refused at a limit, told or not
	WrongTokens uint64        // shown on the lock port
	WrongHTTP   uint64        // shown on the HTTP side
	Denied      uint64        // requests refused for the lack of the admin role
	ConnsTLS    int64         // of Conns and Guests, those over TLS
	Handshakes  []NamedCount  // of TLS, by result; none without a port for it
	Certs       Certificates

	Table       table.Totals
	Measures    table.Measures  // of waits and holds that have ended
	WaitsEnded  []NamedCount    // by how they have ended
	Deadlocks   int             // of the last view
	Deadlocked  int             // services in them
	LongestWait time.Duration   // of the last view
	LongestHold time.Duration   // of the last view
	SettleLag   table.Histogram // from a deadline to its settling
	LoopLag     table.Histogram // from a probe to the loop's answer
	LocksMax    int
	WaitersMax  int
	MemoryMax   int64 // bytes; 0: no limit
	Resident    int64 // bytes of memory; 0: not known

	Durable    bool                  // there is an image, or will be one: Image holds
	Image      durability.ImageState // of a primary
	ImageCount uint64                // images of this start that were written
	Interval   time.Duration         // between images, or a backup's questions for one
	GraceLeft  time.Duration         // of a recovery
	Staleness  time.Duration         // of a backup that has an image
	Fetches    uint64                // of a backup, answered by its primary
	FetchFails uint64                // of a backup
	FetchError string                // of a backup: why the last fetch failed; empty: it did not
}

// Transport counts the connections that reach the server over one transport.
type Transport struct {
	Name     string // tcp, tls or unix
	Open     int64
	Accepted uint64
}

// NamedCount is a counter of one of a few kinds.
type NamedCount struct {
	Name  string
	Count uint64
}

// ResultCount counts the commands of one verb that had one outcome.
type ResultCount struct {
	Command string // in lower case; malformed: it was not understood
	Result  string // ok, or the code of the error in lower case
	Count   uint64
}

// statsCache has the last Stats.
type statsCache struct {
	mu   sync.Mutex
	last Stats     // guarded by mu
	made time.Time // guarded by mu; zero: never
}

// Stats returns the counters and gauges, at most statsAge old. Any goroutine may call it. It holds
// each shard's mutex for a moment, and no loop waits for it otherwise.
func (e *Engine) Stats() Stats {
	c := &e.statsKept
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.made.IsZero() || time.Since(c.made) >= statsAge {
		c.last, c.made = e.makeStats(), time.Now()
	}
	return c.last
}

func (e *Engine) makeStats() Stats {
	tokens := e.attempts.Counts()
	s := Stats{
		Version: e.cfg.Version, Revision: e.cfg.Revision, Uptime: e.uptime(), Backup: e.Follows(), Ready: len(e.Unready()) == 0,
		Loops: len(e.reactors), Pauses: e.clock.Gaps(), Paused: time.Duration(e.clock.Pauses().Late.Load()),
		Conns: e.conns.Load(), ConnsMax: e.connsMax, Guests: int64(e.places.guests.Load()),
		Accepted: e.acceptedConns(), ConnsBy: e.connsBy(), Traffic: e.traffic(), Buffered: e.buffers.total.Load(), BufferedMax: e.cfg.BufferedMax,
		WrongTokens: tokens.Total - tokens.HTTP, WrongHTTP: tokens.HTTP, Denied: e.denied.Load(),
		Table: e.tab().Totals(), Measures: e.tab().Measures(), SettleLag: e.settleLag.histogram(), LoopLag: e.loopLag.histogram(),
		LocksMax: e.cfg.LocksMax, WaitersMax: e.cfg.WaitersMax,
		MemoryMax: e.cfg.MemoryMax, Resident: residentBytes(),
	}
	s.AuditDropped, s.AuditError = e.audit.State()
	if e.cfg.LogDropped != nil {
		s.LogDropped = e.cfg.LogDropped()
	}
	for why, name := range rejectionNames {
		n := NamedCount{name, e.rejected[why].Load()}
		switch {
		case name == "":
		case rejection(why) <= rejectEnroll:
			s.Refused = append(s.Refused, n)
		default:
			s.Closed = append(s.Closed, n)
		}
	}
	s.Closed = append(s.Closed, NamedCount{"slow_reader", e.slowClosed.Load()})
	s.LimitHits = e.limitCounts()
	for how, n := range s.Measures.Ended {
		s.WaitsEnded = append(s.WaitsEnded, NamedCount{table.WaitEnd(how).String(), n})
	}
	s.LongestWait, s.LongestHold = e.observer.Longest()
	s.Deadlocks, s.Deadlocked, _ = e.observer.Deadlocked()
	s.Commands = e.commandResults()
	e.durabilityStats(&s)
	e.tlsStats(&s)
	return s
}

// limitCounts returns how often each limit was met. Its names are words of INFO and metrics.
func (e *Engine) limitCounts() (list []NamedCount) {
	for which := codec.WhichNone + 1; which < codec.Whiches; which++ {
		list = append(list, NamedCount{strings.ReplaceAll(which.String(), "-", "_"), e.limitHits[which].Load()})
	}
	return list
}

// commandResults returns the counters of commands that are not zero.
func (e *Engine) commandResults() (list []ResultCount) {
	sum := e.commandTotals()
	for v := range codec.VerbCount {
		for code := range codec.CodeCount {
			if n := sum[statIndex(v, code)]; n > 0 {
				list = append(list, ResultCount{verbWord(v), strings.ToLower(code.String()), n})
			}
		}
	}
	return list
}

// verbWord is the verb in INFO and metrics.
func verbWord(v codec.Verb) string {
	if v == codec.VerbNone {
		return "malformed"
	}
	return strings.ToLower(strings.ReplaceAll(v.String(), "-", "_"))
}

func (e *Engine) durabilityStats(s *Stats) {
	is := e.store.State()
	s.Durable, s.Interval = e.KeepsImages(), e.cfg.SnapshotInterval
	if f, ok := e.store.Following(); ok {
		s.Fetches, s.FetchFails, s.FetchError = f.Answers, f.Failures, f.Problem
		if is.From != "" {
			s.Staleness = is.Staleness()
		}
		return
	}
	s.GraceLeft = is.GraceLeft(e.clock.Now())
	if images, ok := e.store.Images(); ok {
		s.Image = images
		if images.Path != "" {
			s.ImageCount = images.Header.Number
		}
	}
}
