package engine

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"dlm/internal/testflag"
)

// world is a random run: clients that send, wait, vanish and come back, messages in inboxes, writes
// that fail. From its own sends and from the replies it knows which clients certainly hold which
// lock.
type world struct {
	*sim
	rng     *rand.Rand
	actors  []*actor
	certain map[string]map[string]int64 // by lock and service: until when it certainly holds
	grants  int
}

// actor is one client with a service id of its own. It releases with the token of a grant whose
// answer it got, once for each. If it released a hold that it was not told of, it could undo a
// grant that was sent to it, and the server would then take back one too many.
type actor struct {
	k       *client
	service string
	sent    []request           // untagged, in order
	tagged  map[string]request  // by tag
	tokens  map[string][]string // by lock: of grants that it got the answer to and has not released
	tags    int
}

type request struct {
	verb, lock string
	at         int64 // when it was sent
}

const simTTL = 700 * time.Millisecond

func TestRandomRuns(t *testing.T) {
	grants, lost := 0, 0
	for seed := range testflag.Random(t, 30) {
		w := newWorld(t, seed)
		w.run(2000)
		grants += w.grants
		lost += int(w.e.tab().Totals().TakeBacks)
	}
	if !testflag.Seeded() && (grants < 1000 || lost == 0) {
		t.Fatalf("the runs were too tame: %d grants, %d taken back", grants, lost)
	}
}

func newWorld(t *testing.T, seed uint64) *world {
	w := &world{rng: rand.New(rand.NewPCG(seed, 1)), certain: map[string]map[string]int64{}}
	order := newOrderCheck(t)
	w.sim = newSim(t, func(c *Config) { c.Tap = order.event })
	for i := range 6 {
		w.actors = append(w.actors, &actor{service: fmt.Sprintf("s%d", i), tokens: map[string][]string{}})
	}
	return w
}

func (w *world) run(steps int) {
	for range steps {
		a := w.actors[w.rng.IntN(len(w.actors))]
		switch n := w.rng.IntN(100); {
		case a.k == nil || a.k.gone || a.k.finished:
			w.reconnect(a)
		case n < 60:
			w.command(a)
		case n < 63:
			a.k.hangUp()
			a.k = nil
		case n < 64:
			a.k.left = true
		case n < 66:
			a.k.broken = true
		case n < 75:
			w.hold = !w.hold
			w.settle()
		default:
			w.advance(time.Duration(w.rng.IntN(60)) * time.Millisecond)
		}
		w.read()
	}
	w.deliver()
	for _, a := range w.actors {
		if a.k != nil && !a.k.gone {
			a.k.hangUp()
		}
	}
	w.advance(2 * simTTL)
	w.empty()
}

func (w *world) reconnect(a *actor) {
	if a.k != nil && !a.k.gone {
		a.k.hangUp()
	}
	a.k = w.dial(w.rng.IntN(2))
	a.sent, a.tagged = nil, map[string]request{}
	a.k.do("DETAIL ON", "OK")
}

// command sends one to three commands as one read.
func (w *world) command(a *actor) {
	text := ""
	for range 1 + w.rng.IntN(3) {
		r := request{lock: fmt.Sprintf("lock%d", w.rng.IntN(3)), at: w.e.clock.Now()}
		line := ""
		switch w.rng.IntN(10) {
		case 0, 1, 2, 3:
			r.verb = "ACQUIRE"
			line = fmt.Sprintf("ACQUIRE %s %s %d TTL %d\n", r.lock, a.service, w.rng.IntN(4)*100, simTTL.Milliseconds())
		case 4:
			r.verb = "HEARTBEAT"
			line = fmt.Sprintf("HEARTBEAT %s %s\n", r.lock, a.service)
		default:
			tokens := a.tokens[r.lock]
			if len(tokens) == 0 {
				continue
			}
			r.verb = "RELEASE"
			line = fmt.Sprintf("RELEASE %s %s TOKEN %s\n", r.lock, a.service, tokens[0])
			a.tokens[r.lock] = tokens[1:]
			delete(w.certain[r.lock], a.service) // from the sending on it may be gone
		}
		if w.rng.IntN(2) == 0 {
			a.tags++
			tag := fmt.Sprintf("@%d", a.tags)
			a.tagged[tag] = r
			line = tag + " " + line
		} else {
			a.sent = append(a.sent, r)
		}
		text += line
	}
	a.k.send(text)
}

// read takes in all replies and checks what they claim.
func (w *world) read() {
	for _, a := range w.actors {
		if a.k == nil {
			continue
		}
		for line := range strings.Lines(a.k.reads()) {
			w.reply(a, strings.TrimSpace(line))
		}
	}
}

func (w *world) reply(a *actor, line string) {
	var r request
	if tag, rest, tagged := strings.Cut(line, " "); tagged && tag[0] == '@' {
		var known bool
		if r, known = a.tagged[tag]; !known {
			w.t.Fatalf("%s: reply to nothing: %q", a.service, line)
		}
		delete(a.tagged, tag)
		line = rest
	} else {
		if len(a.sent) == 0 {
			w.t.Fatalf("%s: reply to nothing: %q", a.service, line)
		}
		r, a.sent = a.sent[0], a.sent[1:]
	}
	var token string
	if _, err := fmt.Sscanf(line, "OK token=%s count=", &token); err == nil && r.verb == "ACQUIRE" {
		w.grants++
		a.tokens[r.lock] = append(a.tokens[r.lock], token)
		w.holds(a, r)
	}
}

// holds notes that the actor's ACQUIRE was granted. Its lease began at some moment after the send.
func (w *world) holds(a *actor, r request) {
	now := w.e.clock.Now()
	if w.certain[r.lock] == nil {
		w.certain[r.lock] = map[string]int64{}
	}
	until := r.at + int64(simTTL)
	if until <= now {
		return
	}
	for other, end := range w.certain[r.lock] {
		if other != a.service && end > now {
			w.t.Fatalf("%s and %s hold %s at %d", a.service, other, r.lock, now)
		}
	}
	w.certain[r.lock][a.service] = until
}
