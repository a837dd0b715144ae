package table

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"

	"dlm/codec"
)

const recLocks = 3

// recWorld is a server, its clients, and the time.
type recWorld struct {
	recServer
	rng       *rand.Rand
	out       rule
	now       int64 // true time in ns
	batched   int   // commands: every other is executed as a batch
	names     [recLocks][]byte
	shards    []int // the shards of the names
	clients   []recClient
	sent      []*recMsg
	waiting   map[uint32]*recMsg
	ticket    uint32
	fx        Effects
	given     [recLocks]codec.Token // largest token given, ever
	all       map[recHold]bool      // tokens given, ever
	forced    map[recHold]bool      // holds that an admin has ended
	ends      [recLocks]int         // how many holds have ended
	steps     int
	tally     recTally
	violation string
	logs      bool
	lines     []string
}

// recTally counts what happened in a run.
type recTally struct {
	Images, Pieces, Crashes, CrashesInGrace, CleanStops, ExactStarts, Older, Copied, ClockBack, GraceChanges     int
	Claims, Shown, Counts, Revivals, Kept, ShortLeases, Forces, Lost, Grants, Reentries, Retokens, Deaths, Bogus int
	All, AlreadyHeld                                                                                             int
}

func (t *recTally) add(o *recTally) {
	sum, part := reflect.ValueOf(t).Elem(), reflect.ValueOf(o).Elem()
	for i := range sum.NumField() {
		sum.Field(i).SetInt(sum.Field(i).Int() + part.Field(i).Int())
	}
}

func (t *recTally) missing() (names string) {
	v := reflect.ValueOf(t).Elem()
	for i := range v.NumField() {
		if v.Field(i).Int() == 0 {
			names += " " + v.Type().Field(i).Name
		}
	}
	return names
}

func newRecWorld(rng *rand.Rand, out rule) *recWorld {
	w := &recWorld{rng: rng, out: out, now: 1_000_000_000, waiting: map[uint32]*recMsg{},
		all: map[recHold]bool{}, forced: map[recHold]bool{}}
	w.graceMs = []uint32{2000, 3000, 5000}[rng.IntN(3)]
	first := w.decide(w.facts())
	w.startTable(&first, nil)            // to know the shards
	for i := 0; w.names[1] == nil; i++ { // two in one shard
		if name := fmt.Appendf(nil, "lock-%d", i); w.table.Hash(name)>>56 == 77 {
			w.names[min(1, len(w.shards))] = name
			w.shards = []int{77}
		}
	}
	w.names[2] = []byte("other")
	w.shards = append(w.shards, int(w.table.Hash(w.names[2])>>56))
	w.startTable(&first, nil)
	for i := range 3 + rng.IntN(3) {
		kind := rng.IntN(4)
		w.clients = append(w.clients, recClient{service: string(rune('a' + i)), tokens: kind > 0, counts: kind > 1})
	}
	return w
}

// step makes one random step.
func (w *recWorld) step() {
	n := w.rng.IntN
	switch k := n(100); {
	case w.down:
		w.advance(w.now+int64(n(500))*nsPerMs, false)
		w.comeBack()
	case k < 62:
		w.act(n(len(w.clients)), n(recLocks))
	case k < 70:
		w.renewAll()
	case k < 86:
		w.advance(w.now+int64(n([]int{5, 100, 700, 2500}[n(4)]))*nsPerMs+int64(n(2)*n(1e6)), n(8) > 0)
	case k < 88:
		w.admin()
	case k < 93 && w.exports != nil, k < 90 && w.exports == nil:
		if w.exports == nil {
			w.beginImage()
			w.logf("image begins")
		}
		w.tally.Pieces++
		if w.goOnImage(1 + n(64)) {
			w.logf("image complete")
		}
	case k < 93:
		if w.exports == nil {
			w.wholeImage()
			w.logf("image, grace %v", w.images[0].Grace)
		}
	case k < 95:
		w.crash()
	case k < 96:
		w.cleanStop()
	case k < 97:
		w.skew += int64(n(40_000)) * nsPerMs
		w.tally.ClockBack++
	case k < 98:
		if c := n(len(w.clients)); !w.clients[c].dead && n(2) == 0 {
			w.die(c)
			w.tally.Deaths++
		} else if w.clients[c].dead {
			w.clients[c] = recClient{service: w.clients[c].service, tokens: w.clients[c].tokens, counts: w.clients[c].counts}
		}
	default:
		w.bogus()
	}
}

// comeBack starts the server again.
func (w *recWorld) comeBack() {
	n := w.rng.IntN
	if n(4) == 0 {
		w.graceMs = []uint32{2000, 3000, 5000}[n(3)]
		w.tally.GraceChanges++
	}
	how := recHow{}
	switch n(8) {
	case 0:
		if len(w.images) > 1 {
			how.image = 1
			w.tally.Older++
		}
	case 1:
		if i := n(recImagesKeep) * n(2); i < len(w.images) && w.copyable(w.images[i]) {
			how = recHow{i, true}
			w.tally.Copied++
		}
	}
	w.restart(how)
}

// renewAll lets all clients renew the holds that end soon.
func (w *recWorld) renewAll() {
	for c := range w.clients {
		for lock := range recLocks {
			if b := &w.clients[c].books[lock]; b.has && (!b.agree || b.until < w.now+500*nsPerMs) && w.rng.IntN(3) > 0 {
				w.act(c, lock)
			}
		}
	}
}

// admin forces a lock.
func (w *recWorld) admin() {
	lock := w.rng.IntN(recLocks)
	r := w.apply(&codec.Command{Verb: codec.VerbForceRelease, Name: w.names[lock]}, Origin{})
	w.logf("force lock %d -> %s", lock, w.result(&r, false))
	if r.Code == codec.OK {
		w.tally.Forces++
		w.forced[recHold{lock, r.Token}] = true
		if w.inGrace() {
			w.known.barred[lock] = max(w.known.barred[lock], r.Token)
		}
		for c := range w.clients {
			// Its owner may know the hold by the token from before the end of a grace.
			b := &w.clients[c].books[lock]
			if b.has && (b.token == r.Token || w.clients[c].service == string(w.fx.Owner)) {
				b.forced = true
				w.forced[recHold{lock, b.token}] = true
			}
		}
	}
	w.effects()
}

// bogus shows a token that was never given.
func (w *recWorld) bogus() {
	lock := w.rng.IntN(recLocks)
	m := &codec.Command{Verb: codec.VerbHeartbeat, Name: w.names[lock], Service: []byte("liar"),
		Opts: codec.OptToken, Token: w.startsAt + 1000 + codec.Token(w.rng.IntN(1000))}
	r := w.apply(m, Origin{})
	w.tally.Bogus++
	if r.Code == codec.OK {
		w.fail("bogus: a token that was never given is believed")
	}
	w.effects()
}

// apply executes a command on the table.
func (w *recWorld) apply(c *codec.Command, from Origin) Result {
	seen := *c // the command that the table sees
	cmd := &seen
	hash := w.table.Hash(cmd.Name)
	s := w.table.Shard(hash)
	w.graceCame(s)
	w.fx.List = w.fx.List[:0]
	r := Result{}
	done, undo := w.instead(s, s.indexOf(uint32(hash), cmd.Name), cmd, &r)
	if !done {
		if w.batched++; w.batched%2 == 0 {
			r, done = runAsBatch(w.table, w.tableNow(), cmd, &from, w.batched/2, &w.fx)
		}
		if !done {
			r = *s.Apply(w.tableNow(), hash, cmd, from, &w.fx)
		}
	}
	if undo != nil {
		undo()
	}
	w.afterwards(s, s.indexOf(uint32(hash), cmd.Name), cmd.Verb)
	return r
}

func (w *recWorld) inGrace() bool { return w.grace > 0 && w.tableNow() < w.grace }

func (w *recWorld) fail(format string, args ...any) {
	if w.out == ruleUnseen && !strings.HasPrefix(format, "unseen") {
		return // the grace is too short by the rule that is out
	}
	if w.violation == "" {
		w.violation = fmt.Sprintf(format, args...)
		w.logf("VIOLATION %s", w.violation)
	}
}

func (w *recWorld) logf(format string, args ...any) {
	if w.logs {
		w.lines = append(w.lines, fmt.Sprintf("%8.3fs  ", float64(w.now)/1e9)+fmt.Sprintf(format, args...))
	}
}

// rel makes a token readable.
func (w *recWorld) rel(t codec.Token) int64 {
	return int64(t) - (recWallStart/nsPerMs+1000)<<10
}

var verbNames = map[codec.Verb]string{codec.VerbAcquire: "acquire", codec.VerbRelease: "release", codec.VerbHeartbeat: "heartbeat"}

func (w *recWorld) args(m *recMsg) string {
	if !w.logs {
		return ""
	}
	s := fmt.Sprintf(" %d", m.lock)
	if m.cmd.WaitMs > 0 {
		s += fmt.Sprintf(" wait=%d", m.cmd.WaitMs)
	}
	if m.cmd.Has(codec.OptFresh) {
		s += " fresh"
	}
	if m.cmd.Has(codec.OptAll) {
		s += " all"
	}
	if m.cmd.Has(codec.OptTTL) {
		s += fmt.Sprintf(" ttl=%d", m.cmd.TTLMs)
	}
	if m.cmd.Has(codec.OptToken) {
		s += fmt.Sprintf(" token=%d", w.rel(m.cmd.Token))
	}
	if m.cmd.Has(codec.OptCount) {
		s += fmt.Sprintf(" count=%d", m.cmd.Count)
	}
	return s + fmt.Sprintf(" (sent %.3fs)", float64(m.sent)/1e9)
}

func (w *recWorld) result(r *Result, dropped bool) string {
	s := r.Code.String()
	switch {
	case r.Waiting:
		s = "waits"
	case r.Code == codec.OK:
		s = fmt.Sprintf("OK token=%d count=%d lease=%d", w.rel(r.Token), r.Count, r.LeaseMs)
	}
	if dropped {
		s += " (lost)"
	}
	return s
}

// describe names the holds of an image.
func (w *recWorld) describe(m *recImage) string {
	if m == nil {
		return "none"
	}
	s := []string{fmt.Sprintf("of start %d, grace %v", m.Start, m.Grace)}
	var h codec.HoldImage
	for j := range m.shards {
		s = append(s, fmt.Sprintf("floor %d", w.rel(m.shards[j].ClaimFloor)))
		for k := range m.shards[j].Len() {
			m.shards[j].At(k, &h)
			s = append(s, fmt.Sprintf("%s: %s token=%d count=%d flags=%d", h.Name, h.Service, w.rel(h.Token), h.Count, h.Flags))
		}
	}
	return strings.Join(s, ", ")
}
