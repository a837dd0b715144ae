package engine

import (
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"dlm/internal/testflag"
	"dlm/table"
)

// history is a random run over a network that breaks, and the operations of its actors with their
// answers. Each operation has two moments between which it must seem to happen.
type history struct {
	*sim
	rng     *rand.Rand
	locks   []historyLock
	actors  []*party
	leaving []*link
	queue   *queueCheck
	now     *operation   // being executed
	unlucky table.ConnID // its grant is under way, and is to find no connection; 0: none

	withoutReq bool
	waitUnit   int // ms: waits are multiples

	mu   sync.Mutex // of the real server: guards what follows
	ops  []*operation
	over bool           // nothing more is added
	at   int64          // the last moment
	did  map[string]int // faults and answers
}

type historyLock struct {
	name  string
	mode  mode // what it is used for; shared: also exclusive
	mixed bool // also as a semaphore
}

const historyTTL = 700 * time.Millisecond

// historyNeeds is what the runs must have met. A run without a fault shows nothing about it.
var (
	historyNeeds = []string{
		"cut", "lost answer", "late command", "held back", "expired", "taken back", "downgraded",
		"ACQUIRE OK", "ACQUIRE TIMEOUT", "ACQUIRE HELD", "ACQUIRE CONFLICT", "ACQUIRE DEADLOCK",
		"RELEASE OK", "RELEASE NOTHELD", "RELEASE NOTOWNER", "RELEASE STALE", "HEARTBEAT OK",
		"UPGRADE OK", "UPGRADE TIMEOUT", "UPGRADE CONFLICT", "UPGRADE NOTHELD", "DOWNGRADE OK", "FORCE-RELEASE OK",
		"STATUS held", "STATUS free", "HOLDERS OK",
	}
	historyNeedsReq = []string{
		"repeat", "ACQUIRE CANCELED", "ACQUIRE STALE",
		"CANCEL waiting", "CANCEL granted", "CANCEL unknown", "OUTCOME granted", "OUTCOME waiting", "OUTCOME unknown",
	}
)

// TestHistoriesAreThoseOfLocks lets services use locks over connections that break, and asks
// whether what they were answered is what one lock after the other could have answered.
func TestHistoriesAreThoseOfLocks(t *testing.T) {
	checkHistories(t, 24, slices.Concat(historyNeeds, historyNeedsReq), func(*history) {})
}

// TestHistoriesWithoutReq does the same with requests that can't be repeated: nobody ever knows
// what became of those whose answer was lost.
func TestHistoriesWithoutReq(t *testing.T) {
	checkHistories(t, 12, historyNeeds, func(w *history) { w.withoutReq = true })
}

func checkHistories(t *testing.T, runs int, needs []string, change func(*history)) {
	did := map[string]int{}
	windows, longest := 0, 0
	for seed := range testflag.Random(t, runs) {
		w := newHistory(t, seed)
		change(w)
		w.run()
		for what, n := range w.did {
			did[what] += n
		}
		for _, lock := range w.locks {
			windows, longest = windows+1, max(longest, w.linearizable(lock.name))
		}
	}
	for _, what := range needs {
		if did[what] == 0 && !testflag.Seeded() {
			t.Errorf("no %s in any run: the runs were too tame", what)
		}
	}
	t.Logf("%d windows, the longest has %d operations; faults and answers: %v", windows, longest, did)
}

// TestSeedIsOneRun makes a run of some seeds twice. -seed could not show a fault again otherwise.
func TestSeedIsOneRun(t *testing.T) {
	run := func(seed uint64) (lines []string) {
		w := newHistory(t, seed)
		w.withoutReq = seed%2 == 0
		w.run()
		for _, op := range w.ops {
			lines = append(lines, fmt.Sprintln(op.call, op.ret, op.service, op.line(), op.code, op.count, op.found))
		}
		return lines
	}
	for seed := range testflag.First(t, 4) {
		first, second := run(seed), run(seed)
		for i := range min(len(first), len(second)) {
			if first[i] != second[i] {
				t.Fatalf("operation %d is %q, and then %q", i, first[i], second[i])
			}
		}
		if len(first) != len(second) {
			t.Fatalf("%d operations, and then %d", len(first), len(second))
		}
	}
}

func newHistory(t *testing.T, seed uint64) *history {
	w := &history{rng: rand.New(rand.NewPCG(seed, 5)), did: map[string]int{}, waitUnit: 200, locks: []historyLock{
		{name: "ex", mode: exclusive}, {name: "rw", mode: shared},
		{name: "sem", mode: permits}, {name: "mix", mode: shared, mixed: true},
	}}
	w.queue = newQueueCheck(w)
	token := sha256.Sum256([]byte("admin"))
	w.sim = newSim(t, func(c *Config) {
		c.Tap, c.Lease, c.ReconnectGrace = w.tap, historyTTL, time.Second
		c.AdminToken = &token
	})
	for i := range 6 {
		w.actors = append(w.actors, w.party(i, w.rng))
	}
	return w
}

func (w *history) party(i int, rng *rand.Rand) *party {
	return &party{w: w, rng: rng, service: fmt.Sprintf("s%d", i), tokens: map[string]uint64{}, ids: map[string]int{}}
}

// wait returns n times the unit of waits.
func (w *history) wait(n int) int { return n * w.waitUnit }

func (w *history) moment() int64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.at++
	return w.at
}

// begin adds an operation, which happens from now on.
func (w *history) begin(op *operation) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.at++
	op.call = w.at
	w.ops = append(w.ops, op)
}

// met counts a fault or an answer.
func (w *history) met(what string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.did[what]++
}

// sawCycle adds what an answer says of other locks: each hold of the cycle stood at a moment while
// the request waited, and the last one is its own.
func (w *history) sawCycle(op *operation) {
	if op.code != "DEADLOCK" {
		return
	}
	if n := len(op.cycle); n < 2 || op.cycle[0].lock != op.lock || op.cycle[n-1].holder != op.service {
		w.t.Errorf("%s: %s is refused for the cycle %v", op.service, op.line(), op.cycle)
	}
	for _, of := range op.cycle {
		x := &operation{order: order{verb: "seen", lock: of.lock, service: of.holder}, code: "OK"}
		w.begin(x)
		x.call, x.ret = op.call, op.ret
	}
}

// tap checks the events of the simulated engine.
func (w *history) tap(e *table.Event) {
	w.queue.event(e)
	if e.Waited && w.hold && (e.Kind == table.EventUpgrade || w.rng.IntN(10) == 0) {
		w.unlucky = e.From.Conn
	}
	w.bySelf(e, e.Kind == table.EventDowngrade && (w.now == nil || w.now.verb != "DOWNGRADE"))
}

// bySelf makes an operation of what the server does by itself. downgraded: it may have taken an
// UPGRADE back.
func (w *history) bySelf(e *table.Event, downgraded bool) {
	what := ""
	switch {
	case e.Kind == table.EventExpire:
		what = "expired"
	case e.Kind == table.EventTakeBack:
		what = "taken back"
	case downgraded:
		what = "downgraded"
	default:
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.over {
		return
	}
	w.did[what]++
	w.at++
	w.ops = append(w.ops, &operation{order: order{verb: what, lock: string(e.Name), service: string(e.Service)}, code: "OK",
		token: uint64(e.Token), count: int(e.Count), call: w.at, ret: w.at})
}

// finish ends the history. An operation that is still under way happens before, or never.
func (w *history) finish() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.over = true
	w.at++
	for _, op := range w.ops {
		if op.ret == 0 {
			op.ret = w.at
		}
	}
}

// run lets the actors work until there are enough operations, and then lets everything end.
func (w *history) run() {
	for len(w.ops) < 1400 && w.sim.time < int64(50*time.Second) {
		w.step()
		for _, a := range w.actors {
			if a.link != nil {
				w.collect(a.link)
			}
		}
		for _, l := range w.leaving {
			w.collect(l)
		}
	}
	w.deliver()
	for _, a := range w.actors {
		w.giveUp(a)
	}
	for len(w.leaving) > 0 {
		w.die(0)
	}
	w.advance(3 * time.Second) // leases, and the places of detached requests
	w.empty()
	w.queue.empty()
}

func (w *history) step() {
	a := w.actors[w.rng.IntN(len(w.actors))]
	for _, b := range w.actors {
		if b.link != nil && b.link.k.c.id == w.unlucky {
			w.giveUp(b)
			w.die(len(w.leaving) - 1)
		}
	}
	w.unlucky = 0
	switch n := w.rng.IntN(100); {
	case a.link != nil && (a.link.k.gone || a.link.k.finished):
		w.giveUp(a)
	case a.link == nil:
		a.connect()
	case len(w.leaving) > 3:
		w.end(0)
	case n < 25 && len(a.link.open) < 3:
		a.send(a.choose())
	case n < 50:
		w.arrive(a.link)
	case n < 78:
		a.read()
	case n < 79 || w.hold && n < 80:
		w.giveUp(a)
	case n < 80 && len(a.open) > 0: // impatient: on the same connection
		a.send(a.repeat(a.open[0]))
	case n < 90 && len(w.leaving) > 0:
		w.end(w.rng.IntN(len(w.leaving)))
	case n < 93:
		w.hold = !w.hold
		w.settle()
	default:
		w.advance(time.Duration(w.rng.IntN(60)) * time.Millisecond)
	}
}

// arrive delivers one command.
func (w *history) arrive(l *link) {
	if len(l.up) == 0 || l.k.gone || l.k.finished {
		return
	}
	w.now = l.up[0]
	l.up = l.up[1:]
	w.begin(w.now)
	if l.k.c.pending.waiting {
		w.met("held back")
	}
	w.queue.begin(w.now)
	l.k.send(w.now.sent())
	w.queue.done()
	w.now = nil
}

// giveUp ends an actor's use of its link. The link is cut now or later.
func (w *history) giveUp(a *party) {
	if a.link == nil {
		return
	}
	l := a.link
	a.link = nil
	if w.rng.IntN(3) == 0 { // nothing more is read, and the kernel takes little
		l.k.stuck, l.k.room = true, w.rng.IntN(40)
	}
	if w.rng.IntN(4) == 0 {
		l.k.broken = true
	}
	w.met("cut")
	w.leaving = append(w.leaving, l)
}

// end lets one more command of a given up link arrive, or the end of the connection.
func (w *history) end(i int) {
	if l := w.leaving[i]; len(l.up) > 0 && w.rng.IntN(2) == 0 && !l.k.gone && !l.k.finished {
		w.met("late command")
		w.arrive(l)
		return
	}
	w.die(i)
}

// die lets the server see the end of the connection. A part of a command may come before it.
func (w *history) die(i int) {
	l := w.leaving[i]
	w.leaving = append(w.leaving[:i:i], w.leaving[i+1:]...)
	if len(l.up) > 0 && !l.k.gone && !l.k.finished {
		part := l.up[0].sent()
		l.k.send(part[:w.rng.IntN(len(part))])
	}
	if !l.k.gone {
		l.k.hangUp()
	}
	w.queue.gone(l.k.c.id)
	for _, op := range l.open {
		if op.call == 0 {
			continue // it has not arrived
		}
		if w.met("lost answer"); op.ret == 0 {
			op.ret = w.moment()
		}
	}
}
