package table

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"dlm/codec"
)

// op is one step of a random run. Its kind decides which of its numbers are used.
type op struct {
	// a verb, or cancel, lose, refuse, takeback, cancelreq, outcome, repeat, status, list, advance,
	// part, full, pause, caughtup
	Kind          string
	Name, Service int // indexes into the world's
	WaitMs, TTLMs uint32
	Meta          int // 0: no META; else length + 1
	Token         int // 0: no TOKEN; 1: the current one; 2: another one
	Fresh, All    bool
	Detect        bool
	Share         share // of ACQUIRE
	Queue         int   // 0: no QUEUE
	Req           int   // 0: no REQ; else the id, which decides on the other options in most cases
	Step          int   // how time moves before it, see world.step
	Arg           int
}

var opKinds = []string{"acquire", "acquire", "acquire", "acquire", "acquire", "acquire", "acquire", "acquire", "acquire", "acquire", "upgrade", "upgrade", "upgrade", "downgrade", "release", "release", "heartbeat", "force",
	"cancel", "lose", "lose", "refuse", "repeat", "repeat", "repeat", "cancelreq", "outcome", "takeback", "takeback", "status", "list", "advance", "advance", "part", "full", "pause", "caughtup"}

// randomOp draws an op; n(k) is a random number below k.
func randomOp(n func(int) int) op {
	o := op{
		Kind: opKinds[n(len(opKinds))], Name: []int{0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 3, 4, 5, 6}[n(14)], Service: []int{0, 0, 1, 1, 2, 2, 3, 4}[n(8)],
		WaitMs: []uint32{0, 2, 3, 1000, 1000, 1000, 10_000, 86_400_000}[n(8)],
		TTLMs:  []uint32{0, 0, 0, 0, 2, 3, 100, 86_400_000}[n(8)],
		Meta:   []int{0, 0, 1, 5, 40}[n(5)], Token: []int{0, 0, 0, 1, 1, 2}[n(6)], Step: n(40), Arg: n(1000),
		Share: []share{exclusive, exclusive, shared, shared, shared, 1, 3}[n(7)], Fresh: n(8) == 0, All: n(3) == 0, Queue: []int{0, 0, 0, 1, 2, 5}[n(6)],
		Req: []int{0, 0, 0, 1, 2, 3, 4, 5, 6}[n(9)], Detect: n(3) == 0,
	}
	if o.Kind == "upgrade" { // mostly of one lock, so that two holders of it try
		o.Name = 0
	}
	if o.Name == semaphore && n(4) > 0 {
		o.Share, o.Fresh = 2, false
	}
	return o
}

// semaphore is the lock that is mostly a semaphore, since locks that change their kind have few
// permits taken.
const semaphore = 1

// asked is how many of the last commands with REQ a world remembers, to repeat or cancel them.
const asked = 12

// world is a table and what a random run needs around it.
type world struct {
	table    *Table
	now      int64
	names    [][]byte // three of one shard, one of them long, then others
	services [][]byte
	waits    []WaiterRef
	holds    []HoldRef
	ticket   uint32
	fx       Effects
	events   []Event // of the call, with copied slices
	log      []string
	full     bool   // no memory is left
	model    *model // nil: none to compare with
	asked    []codec.Command
}

func newWorld(c Config) *world {
	w := &world{now: 5_000_000}
	c.Tap = func(e *Event) {
		x := *e
		x.Name, x.Service = append([]byte(nil), e.Name...), append([]byte(nil), e.Service...)
		w.events = append(w.events, x)
	}
	w.table = New(c)
	for i := 0; len(w.names) < 3; i++ {
		name := fmt.Appendf(nil, "lock-%d", i)
		if len(w.names) == 2 {
			name = append(name, strings.Repeat("n", 80)...)
		}
		if w.table.Hash(name)>>56 == 77 {
			w.names = append(w.names, name)
		}
	}
	w.names = append(w.names, []byte("x"), []byte("y"), []byte(strings.Repeat("z", 64)), []byte(strings.Repeat("z", 65)))
	w.services = [][]byte{[]byte("a"), []byte("b"), []byte("c"), []byte(strings.Repeat("s", 49)), []byte(strings.Repeat("s", 256))}
	return w
}

// step moves time: not at all, within a tick, over ticks, or to a deadline or just beside it.
func (w *world) step(o op) {
	switch o.Step {
	case 1:
		w.now++
	case 2:
		w.now += 999_999
	case 3:
		w.now += 300_000
	case 4:
		w.now = (w.now/nsPerTick + 1) * nsPerTick
	case 5:
		w.now += int64(o.Arg) * nsPerMs
	case 6:
		if o.Arg < 20 {
			w.now += 13 * 86_400_000 * nsPerMs // beyond the reach of the wheels
		}
	case 7, 8, 9:
		if all := w.deadlines(); len(all) > 0 {
			slices.Sort(all)
			w.now = max(w.now, all[o.Arg%min(len(all), 3)]+int64(o.Step-8))
		}
	}
}

// pause is a pause of the process. Table time moves by a part of it, from which leases are
// protected, and leaves out the rest.
func (w *world) pause(counted, left int64) {
	w.table.pauses.Late.Add(left)
	w.table.pauses.Lag.Add(counted)
	w.now += counted
	w.table.Hasten()
}

// deadlines returns the deadlines of all holds and waits, by shard and record.
func (w *world) deadlines() (all []int64) {
	for i := range Shards {
		s := w.table.ShardAt(i)
		for i := range s.locks.len() {
			if l := s.locks.record(i); l != nil && l.nameLen > 0 {
				if l.grouped() {
					for _, h := range s.peekHolders(l) {
						all = append(all, h.deadline)
					}
				} else if l.state.held() {
					all = append(all, l.deadline)
				}
				for q := l.first; q != none; q = s.waiters.at(q).next {
					all = append(all, s.waiters.at(q).deadline-w.table.pauses.Late.Load())
				}
			}
		}
	}
	return all
}

// do executes one op on the table, and on the model if there is one.
func (w *world) do(o op) {
	w.step(o)
	w.events, w.fx.List = w.events[:0], nil
	switch o.Kind {
	case "acquire", "release", "heartbeat", "force", "upgrade", "downgrade":
		w.apply(o)
	case "cancel":
		if len(w.waits) > 0 {
			ref := w.waits[o.Arg%len(w.waits)]
			was := w.table.ShardAt(int(ref.Shard)).Cancel(w.now, ref, &w.fx)
			w.model.lose(w.now, ref, 0, was)
		}
	case "lose":
		if len(w.waits) > 0 {
			ref, keep := w.waits[max(0, len(w.waits)-1-o.Arg%20)], int64(o.Queue)*500*nsPerMs
			was := w.table.ShardAt(int(ref.Shard)).Lose(w.now, ref, keep, &w.fx)
			w.model.lose(w.now, ref, keep, was)
		}
	case "refuse":
		if len(w.waits) > 0 {
			ref := w.waits[max(0, len(w.waits)-1-o.Arg%20)]
			to, was := w.table.ShardAt(int(ref.Shard)).Refuse(w.now, ref, &w.fx)
			w.model.refuse(w.now, ref, to, was)
		}
	case "repeat", "cancelreq", "outcome":
		if len(w.asked) > 0 {
			w.again(o, w.asked[o.Arg%len(w.asked)])
		}
	case "takeback":
		if len(w.holds) > 0 {
			hold, keep := w.holds[max(0, len(w.holds)-1-o.Arg%20)], int64(o.Queue)*500*nsPerMs
			w.table.ShardAt(int(hold.Shard)).TakeBack(w.now, hold, keep, &w.fx)
			w.model.takeBack(w.now, hold, keep)
		}
	case "status":
		var st Status
		name := w.names[o.Name]
		w.shard(name).Status(w.now, w.table.Hash(name), name, &st, &w.fx)
		w.model.status(w.now, name, &st)
	case "list":
		var out Statuses
		at, scan := uint32(0), 1000
		s := w.shard(w.names[o.Name])
		s.List(w.now, &at, &scan, 1000, &Filter{}, &out, &w.fx)
		w.model.list(w, s, &out)
	case "advance", "part":
		w.advance(o)
	case "pause":
		w.pause(int64(o.Arg)*nsPerMs, int64(o.Service)*100*nsPerMs)
	case "caughtup":
		w.table.pauses.Lag.Store(0)
	case "full":
		w.full = o.Arg < 200
		w.table.SetMemoryLeft(1 << 40)
		if w.full {
			w.table.SetMemoryLeft(0)
		}
	}
	for _, e := range w.fx.List {
		if e.Code == codec.OK {
			w.holds = append(w.holds, e.Hold)
		}
		w.log = append(w.log, fmt.Sprintf("%d %s: effect %+v", w.now, o.Kind, e))
	}
	for _, e := range w.events {
		w.log = append(w.log, fmt.Sprintf("%+v", e))
	}
	w.model.compare(w)
}

func (w *world) shard(name []byte) *Shard { return w.table.Shard(w.table.Hash(name)) }

func (w *world) apply(o op) {
	cmd := &codec.Command{Name: w.names[o.Name], Service: w.services[o.Service], WaitMs: o.WaitMs}
	cmd.Verb = map[string]codec.Verb{"acquire": codec.VerbAcquire, "release": codec.VerbRelease,
		"heartbeat": codec.VerbHeartbeat, "force": codec.VerbForceRelease,
		"upgrade": codec.VerbUpgrade, "downgrade": codec.VerbDowngrade}[o.Kind]
	if o.Kind != "acquire" && o.Arg%4 > 0 {
		w.byHolder(cmd, o.Queue)
	}
	if o.Arg%3 == 0 { // without options
		o.TTLMs, o.Meta, o.Token, o.Fresh, o.All, o.Queue, o.Detect = 0, 0, 0, false, false, 0, false
	}
	if o.TTLMs > 0 {
		cmd.Opts, cmd.TTLMs = cmd.Opts|codec.OptTTL, o.TTLMs
	}
	if o.Meta > 0 {
		cmd.Opts, cmd.Text = cmd.Opts|codec.OptMeta, []byte(strings.Repeat("m", o.Meta-1))
	}
	switch {
	case o.Kind == "release" && o.All:
		cmd.Opts |= codec.OptAll
	case o.Kind == "acquire" && o.Fresh:
		cmd.Opts |= codec.OptFresh
	}
	switch {
	case o.Kind == "upgrade" || o.Kind == "downgrade":
		cmd.Opts = codec.OptUpgrade
	case o.Kind != "acquire":
	case o.Share == shared:
		cmd.Opts |= codec.OptShared
	case o.Share != exclusive:
		cmd.Opts, cmd.Permits = cmd.Opts|codec.OptPermits, uint32(o.Share)
	}
	if o.Kind == "acquire" && o.Detect {
		cmd.Opts |= codec.OptDetect
	}
	if o.Kind == "acquire" && o.Queue > 0 {
		cmd.Opts, cmd.Queue = cmd.Opts|codec.OptQueue, uint32(o.Queue)
	}
	s := w.shard(cmd.Name)
	if o.Token > 0 {
		cmd.Opts |= codec.OptToken
		if i := s.indexOf(uint32(w.table.Hash(cmd.Name)), cmd.Name); i != none {
			cmd.Token = max(1, s.locks.at(i).token)
			if l := s.locks.at(i); l.grouped() {
				own := peek(w.table, cmd.Name).of(string(cmd.Service))
				if own == nil {
					own = s.peekHolders(l)[o.Arg%int(l.count)]
				}
				cmd.Token = own.token
			}
		}
		cmd.Token += codec.Token(o.Token - 1)
	}
	if o.Req > 0 && (o.Kind == "acquire" || o.Kind == "release") {
		w.withReq(cmd, o)
	}
	w.send(o, cmd)
}

// byHolder lets a holder of the lock send the command, if there is one.
func (w *world) byHolder(cmd *codec.Command, which int) {
	switch l := peek(w.table, cmd.Name); {
	case l == nil || l.vacant:
	case l.share == exclusive:
		cmd.Service = []byte(l.owner)
	default:
		cmd.Service = []byte(l.holders[which%len(l.holders)].owner)
	}
}

// withReq gives the command an id, and mostly the options that this id has.
func (w *world) withReq(cmd *codec.Command, o op) {
	if o.Kind == "acquire" && o.Arg%8 != 0 {
		*cmd = codec.Command{Verb: cmd.Verb, Name: cmd.Name, Service: cmd.Service, WaitMs: cmd.WaitMs}
		switch o.Req {
		case 1:
			cmd.Opts = codec.OptShared
			if o.Name == semaphore {
				cmd.Opts, cmd.Permits = codec.OptPermits, 2
			}
		case 2:
			cmd.Opts, cmd.TTLMs = codec.OptShared|codec.OptTTL|codec.OptDetect, 100
		case 3, 4:
			cmd.Opts, cmd.Permits = codec.OptPermits, 3-uint32(o.Name&semaphore)
		case 5:
			cmd.Opts, cmd.Text = codec.OptMeta|codec.OptDetect, []byte("of the request")
		case 6:
			cmd.Opts = codec.OptFresh
		}
	}
	cmd.Opts |= codec.OptReq
	cmd.Req = fmt.Appendf(nil, "%d%s", o.Req, strings.Repeat("q", 20*(o.Req%2)))
	if w.asked = append(w.asked, *cmd); len(w.asked) > asked {
		w.asked = w.asked[1:]
	}
}

// again repeats a command with REQ, cancels it, or asks what became of it.
func (w *world) again(o op, cmd codec.Command) {
	switch s, hash := w.shard(cmd.Name), w.table.Hash(cmd.Name); o.Kind {
	case "repeat":
		if cmd.WaitMs = o.WaitMs; o.Service < 2 {
			cmd.WaitMs = 0
		}
		w.send(o, &cmd)
	case "cancelreq":
		cmd.Verb, cmd.Opts = codec.VerbCancel, codec.OptReq
		r := *s.CancelRequest(w.now, hash, &cmd, &w.fx)
		w.log = append(w.log, fmt.Sprintf("%d %s %+v", w.now, o.Kind, r))
		w.model.apply(w.now, &cmd, Origin{}, &r)
	default:
		cmd.Verb = codec.VerbOutcome
		w.model.sameOutcome(w.now, &cmd, s.Outcome(w.now, hash, &cmd, &w.fx))
	}
}

// send executes a command on the table, and on the model if there is one.
func (w *world) send(o op, cmd *codec.Command) {
	s, hash := w.shard(cmd.Name), w.table.Hash(cmd.Name)
	bytes := s.bytes() - s.leases.Bytes()
	w.ticket++
	from := Origin{Conn: ConnID(o.Arg), Ticket: w.ticket}
	var r Result
	ok := false
	if o.Arg%2 == 0 {
		r, ok = runAsBatch(w.table, w.now, cmd, &from, o.Arg/2, &w.fx)
	}
	if !ok {
		r = *s.Apply(w.now, hash, cmd, from, &w.fx)
	}
	if r.Waiting {
		w.waits = append(w.waits, r.Waiter)
	}
	if r.Fresh {
		w.holds = append(w.holds, r.Hold)
	}
	w.log = append(w.log, fmt.Sprintf("%d %s %+v", w.now, o.Kind, r))
	w.checkMemory(s, cmd, &r, bytes)
	w.model.apply(w.now, cmd, from, &r)
	if l := peek(w.table, cmd.Name); r.Code == codec.Timeout && w.model != nil && string(w.fx.Owner) != l.namedTo(string(cmd.Service)) {
		w.model.fail("a time-out names %q as the holder, want %q", w.fx.Owner, l.namedTo(string(cmd.Service)))
	}
}

// checkMemory checks that, when no memory is left, a command is refused for it only if there is no
// room, and takes no memory.
func (w *world) checkMemory(s *Shard, cmd *codec.Command, r *Result, before int) {
	if w.model == nil {
		return
	}
	// The strings of a granted waiter move, and may need a chunk of another size.
	// So do the strings of a hold that is upgraded or downgraded.
	// Entries in the wheel of leases are accounted for with the records of locks.
	if grown := s.bytes() - s.leases.Bytes() - before; w.full && grown > 0 && len(w.fx.List) == 0 && !cmd.Has(codec.OptUpgrade) && cmd.Verb != codec.VerbRelease {
		w.model.fail("%v %q took %d bytes, and none is left", cmd.Verb, cmd.Name, grown)
	}
	if r.Code != codec.Limit || r.Which != codec.WhichMemory {
		return
	}
	if cmd.Has(codec.OptReq) && !(s.requestFits(cmd) && s.holderFits(cmd.Service, metaOf(cmd)) && s.waiterFits(cmd.Service, metaOf(cmd)) &&
		s.lockFits(cmd.Name, cmd.Service, metaOf(cmd))) {
		return // it may have needed any of these
	}
	if fits, ok := w.groupFits(s, cmd); ok {
		if !w.full || fits {
			w.model.fail("%v %q is refused for memory, and there is some: %v, %v", cmd.Verb, cmd.Name, w.full, fits)
		}
		return
	}
	fits := s.lockFits(cmd.Name, cmd.Service, metaOf(cmd))
	if i := s.indexOf(uint32(w.table.Hash(cmd.Name)), cmd.Name); i != none {
		fits = s.waiterFits(cmd.Service, metaOf(cmd))
		if string(s.service(s.locks.at(i))) == string(cmd.Service) {
			fits = s.metaFits(metaOf(cmd))
		}
	}
	if !w.full || fits {
		w.model.fail("%v %q is refused for memory, and there is some: %v, %v", cmd.Verb, cmd.Name, w.full, fits)
	}
}

// advance runs the ticker over all shards. "part" runs it only once, with a small budget, so that
// commands come in between.
func (w *world) advance(o op) {
	limit := 1 + o.Arg%5
	for i := range Shards {
		for w.table.Due(i, w.now) {
			more := w.table.ShardAt(i).Advance(w.now, limit, &w.fx)
			if o.Kind == "part" || !more {
				break
			}
		}
	}
	w.model.advanced(w)
	if o.Kind == "advance" {
		w.model.nothingDue(w.now)
	}
}

// TestReplay runs random commands twice. The same commands and times give the same events and the
// same state.
func TestReplay(t *testing.T) {
	run := func(seed uint64) string {
		rng := rand.New(rand.NewPCG(seed, 0))
		w := newWorld(Config{TTLMs: 1000, LocksMax: 4, WaitersMax: 6, WaitersPerLockMax: 4, RequestsMax: 5000})
		for range 1500 {
			w.do(randomOp(rng.IntN))
		}
		return strings.Join(w.log, "\n") + fmt.Sprint(w.deadlines(), w.table.Totals())
	}
	for seed := range uint64(5) {
		if a, b := run(seed), run(seed); a != b || len(a) < 10_000 {
			t.Fatalf("seed %d: two runs differ, or nothing happened", seed)
		}
	}
}
