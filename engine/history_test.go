package engine

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"slices"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

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
	ops     []*operation
	at      int64          // the last moment
	copies  map[string]int // by lock and request: ACQUIREs, and CANCELs, which count twice
	did     map[string]int // faults and answers
	now     *operation     // being executed
	unlucky table.ConnID   // its grant is under way, and is to find no connection; 0: none
}

type historyLock struct {
	name  string
	mode  mode // what it is used for; shared: also exclusive
	mixed bool // also as a semaphore
}

const historyTTL = 700 * time.Millisecond

// historyNeeds is what the runs must have met. A run without a fault shows nothing about it.
var historyNeeds = []string{
	"cut", "lost answer", "late copy", "repeat", "expired", "taken back", "downgraded",
	"ACQUIRE OK", "ACQUIRE TIMEOUT", "ACQUIRE HELD", "ACQUIRE CONFLICT", "ACQUIRE CANCELED", "ACQUIRE STALE",
	"RELEASE OK", "RELEASE NOTHELD", "RELEASE NOTOWNER", "RELEASE STALE", "HEARTBEAT OK",
	"UPGRADE OK", "UPGRADE TIMEOUT", "UPGRADE CONFLICT", "UPGRADE NOTHELD", "DOWNGRADE OK", "FORCE-RELEASE OK",
	"CANCEL waiting", "CANCEL granted", "CANCEL unknown", "OUTCOME granted", "OUTCOME waiting", "OUTCOME unknown",
	"STATUS held", "STATUS free", "HOLDERS OK",
}

// TestHistoriesAreThoseOfLocks lets services use locks over connections that break, and asks
// whether what they were answered is what one lock after the other could have answered.
func TestHistoriesAreThoseOfLocks(t *testing.T) {
	did := map[string]int{}
	windows, longest := 0, 0
	for seed := range testflag.Random(t, 24) {
		w := newHistory(t, seed)
		w.run()
		for what, n := range w.did {
			did[what] += n
		}
		for _, lock := range w.locks {
			list := w.window(lock.name)
			windows, longest = windows+1, max(longest, len(list))
			w.linearizable(lock.name, list)
		}
	}
	for _, what := range historyNeeds {
		if did[what] == 0 && !testflag.Seeded() {
			t.Errorf("no %s in any run: the runs were too tame", what)
		}
	}
	t.Logf("%d windows, the longest has %d operations; faults and answers: %v", windows, longest, did)
}

func newHistory(t *testing.T, seed uint64) *history {
	w := &history{rng: rand.New(rand.NewPCG(seed, 5)), copies: map[string]int{}, did: map[string]int{}, locks: []historyLock{
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
		w.actors = append(w.actors, &party{w: w, service: fmt.Sprintf("s%d", i), tokens: map[string]uint64{}, ids: map[string]int{}})
	}
	return w
}

func (w *history) moment() int64 { w.at++; return w.at }

// tap makes an operation of what the server does by itself.
func (w *history) tap(e *table.Event) {
	w.queue.event(e)
	if e.Waited && w.hold && (e.Kind == table.EventUpgrade || w.rng.IntN(10) == 0) {
		w.unlucky = e.From.Conn
	}
	what := ""
	switch {
	case e.Kind == table.EventExpire:
		what = "expired"
	case e.Kind == table.EventTakeBack:
		what = "taken back"
	case e.Kind == table.EventDowngrade && (w.now == nil || w.now.verb != "DOWNGRADE"):
		what = "downgraded"
	default:
		return
	}
	w.did[what]++
	at := w.moment()
	w.ops = append(w.ops, &operation{order: order{verb: what, lock: string(e.Name), service: string(e.Service)}, code: "OK",
		token: uint64(e.Token), count: int(e.Count), call: at, ret: at})
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
	case n < 25 && len(a.link.ops) < 3:
		a.act()
	case n < 50:
		w.arrive(a.link)
	case n < 78:
		a.read()
	case n < 79 || w.hold && n < 80:
		w.giveUp(a)
	case n < 80 && len(a.open) > 0: // impatient: on the same connection
		a.repeat(a.open[0])
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
	line := l.up[0]
	l.up = l.up[1:]
	tag, _, _ := strings.Cut(line, " ")
	w.now = l.ops[tag]
	w.now.call = w.moment()
	w.ops = append(w.ops, w.now)
	w.queue.begin(w.now)
	l.k.send(line)
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
	l.givenUp = true
	if w.rng.IntN(3) == 0 { // nothing more is read, and the kernel takes little
		l.k.stuck, l.k.room = true, w.rng.IntN(40)
	}
	if w.rng.IntN(4) == 0 {
		l.k.broken = true
	}
	w.did["cut"]++
	w.leaving = append(w.leaving, l)
}

// end lets one more command of a given up link arrive, or the end of the connection.
func (w *history) end(i int) {
	if l := w.leaving[i]; len(l.up) > 0 && w.rng.IntN(2) == 0 && !l.k.gone && !l.k.finished {
		w.did["late copy"]++
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
		l.k.send(l.up[0][:w.rng.IntN(len(l.up[0]))])
	}
	if !l.k.gone {
		l.k.hangUp()
	}
	w.queue.gone(l.k.c.id)
	for _, op := range l.ops {
		if op.call == 0 {
			continue // it has not arrived
		}
		if w.did["lost answer"]++; op.ret == 0 {
			op.ret = w.moment()
		}
	}
}

// window returns the operations on one lock.
func (w *history) window(lock string) (list []porcupine.Operation) {
	for _, op := range w.ops {
		if op.lock == lock {
			op.mayCancel = op.req != "" && w.copies[lock+" "+op.key()] > 1
			list = append(list, porcupine.Operation{Input: op, Call: op.call, Return: op.ret})
		}
	}
	return list
}

// linearizable fails if the history is not that of one lock. A checker that gave up has shown
// nothing, so it fails too.
func (w *history) linearizable(lock string, list []porcupine.Operation) {
	w.t.Helper()
	result := porcupine.CheckOperationsTimeout(historyModel, list, time.Minute)
	if result == porcupine.Ok {
		return
	}
	w.t.Errorf("%s: the history of %d operations is %s:\n%s", lock, len(list), result, explain(list))
}

// explain returns the last operations of the shortest beginning of the history that is none of a
// lock.
func explain(list []porcupine.Operation) (text string) {
	var ends []int64
	for _, x := range list {
		ends = append(ends, x.Return)
	}
	slices.Sort(ends)
	n := sort.Search(len(ends), func(i int) bool {
		return porcupine.CheckOperationsTimeout(historyModel, until(list, ends[i]), time.Second) != porcupine.Ok
	})
	short := until(list, ends[min(n, len(ends)-1)])
	for _, x := range short[max(0, len(short)-25):] {
		op := x.Input.(*operation)
		text += fmt.Sprintf("  %d-%d %s %s: %s token=%d count=%d %s %v\n", op.call, op.ret, op.service,
			strings.TrimSpace(op.line()), cmp.Or(op.code, "lost"), op.token, op.count, op.found, op.holders)
	}
	return text
}

// until returns the history up to a moment. Operations under way then are not answered.
func until(list []porcupine.Operation, end int64) (cut []porcupine.Operation) {
	for _, x := range list {
		op := *x.Input.(*operation)
		if op.ret > end {
			op.code, op.found, x.Return = "", "", end
		}
		if x.Input = &op; op.call <= end {
			cut = append(cut, x)
		}
	}
	return cut
}
