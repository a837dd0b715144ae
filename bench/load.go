package bench

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"dlm/codec"
)

// Limits of a run: each bounds the memory or the descriptors of the generator.
const (
	connsMax   = 60_000
	depthMax   = 100_000
	locksMax   = 50_000_000
	heldMax    = 100_000_000
	waitersMax = 1_000_000
	roundsMax  = 1_000
	threadsMax = 64
	rateMax    = 1_000_000_000
	// tagsPerConn is less than 10,000, the number of open tags that a server takes on a connection.
	tagsPerConn = 9_000
	// numberLen is how many bytes of a name are left to the number of the lock.
	numberLen = 9
)

// Load says which server is loaded and how it is measured, whatever the workload.
type Load struct {
	Server string // host:port
	Token  string // presented with AUTH on every connection; empty: none
	// Protocol is spoken instead of the workload's form, to a server of somebody else; nil: dlm.
	Protocol *Protocol

	Conns   int    // connections; 50 by default
	Held    int    // other locks that are held meanwhile
	Prefix  string // of lock names; two runs against a server at the same time need different ones
	NameLen int    // bytes of a lock name; 20 by default

	Warmup   time.Duration // before the first round; 500 ms by default
	Duration time.Duration // of a round; 2 s by default
	Rounds   int           // 3 by default
	Poll     bool          // the generator never sleeps: it takes whole processors
	PID      int           // of the server, to read its CPU time; 0: ask INFO, -1: not at all

	Progress func(line string) // shows a line instead of the one before; nil: nobody looks
}

// Workload is one kind of load: *Pair, *Renew, *Cycle, *Ping, *Hot, *Waiters or *Churn. Each
// has its own settings, so that no setting can be given to a workload that does not know it.
type Workload interface {
	Name() string
	// EnsureDefaults fills every setting that is left at zero and has a default.
	EnsureDefaults()
	check(load *Load, p *problems)
	run(ctx context.Context, r *run) error
}

// EnsureDefaults fills every setting that is left at zero and has a default.
func (l *Load) EnsureDefaults() {
	or(&l.Conns, 50)
	or(&l.Prefix, "bench:")
	or(&l.NameLen, 20)
	or(&l.Warmup, 500*time.Millisecond)
	or(&l.Duration, 2*time.Second)
	or(&l.Rounds, 3)
}

func or[T comparable](field *T, value T) {
	if *field == *new(T) {
		*field = value
	}
}

// Validate reports all problems of a run together.
func Validate(l *Load, w Workload) error {
	var p problems
	if l.Server == "" {
		p.add("server: no address")
	}
	p.within("conns", l.Conns, 1, connsMax)
	p.within("held", l.Held, 0, heldMax)
	p.within("rounds", l.Rounds, 1, roundsMax)
	p.within("name-len", l.NameLen, numberLen+1, codec.NameMax)
	if most := l.NameLen - numberLen; len(l.Prefix) > most {
		p.add("prefix: %d bytes, at most %d fit a name of %d", len(l.Prefix), most, l.NameLen)
	}
	if l.Duration <= 0 || l.Warmup <= 0 {
		p.add("duration and warm-up must be above zero")
	}
	w.check(l, &p)
	return errors.Join(p...)
}

// problems collects whatever is wrong with settings.
type problems []error

func (p *problems) add(format string, args ...any) { *p = append(*p, fmt.Errorf(format, args...)) }

func (p *problems) within(setting string, value, low, high int) {
	if value < low || value > high {
		p.add("%s: %d is not within %d to %d", setting, value, low, high)
	}
}

// ownLocks checks the number of locks where each connection has locks of its own.
func (p *problems) ownLocks(locks, conns int) {
	p.within("locks", locks, 1, locksMax)
	if locks < conns {
		p.add("locks: %d are fewer than %d connections, which have locks of their own", locks, conns)
	}
}

func (p *problems) form(form string) {
	if protocolOf(form) == nil {
		p.add("form: %q is not one of %s", form, strings.Join(Forms, ", "))
	}
}

func (p *problems) ttl(ttl time.Duration) {
	if ms := ttl.Milliseconds(); ttl != 0 && (ms < codec.TTLMinMs || ms > codec.TTLMaxMs) {
		p.add("ttl: %v is not within 100ms to 24h", ttl)
	}
}

// protocol returns what a workload with a form speaks.
func (l *Load) protocol(form string) *Protocol {
	if l.Protocol != nil {
		return l.Protocol
	}
	return protocolOf(form)
}

// command returns a command about lock i for the owner of that number.
func (l *Load) command(v codec.Verb, i, owner int) *codec.Command {
	return &codec.Command{Verb: v, Name: []byte(l.nameOf(i)), Service: []byte(serviceOf(owner))}
}

// nameOf returns the name of lock i: the prefix and digits up to NameLen bytes.
func (l *Load) nameOf(i int) string {
	digits := strconv.Itoa(i)
	return l.Prefix + strings.Repeat("0", max(l.NameLen-len(l.Prefix)-len(digits), 0)) + digits
}

func serviceOf(owner int) string { return "svc" + strconv.Itoa(owner) }
