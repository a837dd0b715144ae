package engine

import (
	"hash/maphash"
	"math/bits"

	"github.com/valyala/bytebufferpool"

	"dlm/codec"
	"dlm/table"
)

// pending is the untagged wait of a conn and the input that came after it.
//
// Commands are kept as they came, and run when the wait has ended, from at on.
// When one of them waits again, the rest stays where it is. When the budget of
// a batch runs out in the middle, the conn is resuming: until kept is empty,
// all input goes after it unexamined.
type pending struct {
	waiting  bool
	form     codec.Form
	ref      table.WaiterRef
	kept     *bytebufferpool.ByteBuffer // nil: nothing
	at       int                        // bytes of kept that have been run
	seen     int                        // bytes of kept that were looked at for heartbeats, if more
	searched int                        // bytes of kept without a heartbeat, from seen on
	stuck    bool                       // kept ends in input that can't be divided into commands
	resuming bool
	lost     bool              // kept will be dropped: its peer has ended the stream
	paused   bool              // the peer has too many replies to read: all commands are kept
	multi    bool              // if something is kept: the next input comes after a refused MULTI
	released map[uint64]uint32 // in a grace: kept RELEASEs by holdKey; nil: none
}

// any reports whether new input can't be executed now.
func (p *pending) any() bool { return p.waiting || p.stuck || p.resuming || p.paused }

// size returns the bytes that are kept and not run.
func (p *pending) size() int { return bufferLen(p.kept) - p.at }

// releasedBytes is the memory of an entry of released, with the free places of its map.
const releasedBytes = 32

// memory returns the bytes that the connection has for what is kept.
func (p *pending) memory() int { return bufferCap(p.kept) + len(p.released)*releasedBytes }

// drop forgets what is kept.
func (p *pending) drop() {
	p.kept = putBuffer(p.kept)
	p.seen, p.searched = 0, 0
	p.at, p.stuck, p.resuming, p.released = 0, false, false, nil
}

// behindWait keeps the present command, which came after a waiting one, and returns how many bytes
// it took; i is its number in the batch, -1 if it is no lock command. A heartbeat renews when it is
// read, so that a holder that waits for another lock loses none; its answer keeps its place. Its
// COUNT is applied then and removed from the kept copy, or it would overwrite a count granted
// later.
func (r *reactor) behindWait(c *conn, in []byte, took int, st codec.Status, i int) int {
	switch st {
	case codec.Ready:
		p := &c.pending
		if p.kept == nil {
			p.multi = c.multi
		}
		p.noteMulti(r.cmd.Verb)
		if p.multi || i < 0 {
			break
		}
		r.countKept(c, i)
		if r.renewEarly(c, i) && r.cmd.Has(codec.OptCount) {
			r.cmd.Opts &^= codec.OptCount
			r.uncounted = codec.AppendCommand(r.uncounted[:0], r.cmd)
			r.keep(c, r.uncounted)
			return took
		}
	case codec.Fatal:
		c.pending.stuck = true
		took = len(in)
	case codec.Blank, codec.Bad:
	default:
		panic("BUG: unknown decoder status")
	}
	r.keep(c, in[:took])
	return took
}

// countKept notes a RELEASE that is kept in a grace, and adds those of the same
// hold to the COUNT of a HEARTBEAT after them.
func (r *reactor) countKept(c *conn, i int) {
	p := &c.pending
	switch {
	case r.cmd.Verb == codec.VerbRelease && r.e.store.State().GraceLeft(r.now) > 0:
		if p.released == nil {
			p.released = make(map[uint64]uint32)
		}
		p.released[holdKey(r.cmd)]++
	case r.cmd.Has(codec.OptCount) && p.released != nil:
		r.cmd.Count = min(r.cmd.Count+p.released[holdKey(r.cmd)], codec.CountMax)
		r.batch.Cmds[i].Count = r.cmd.Count
	}
}

// releaseRuns notes that a kept RELEASE is executed.
func (p *pending) releaseRuns(cmd *codec.Command) {
	if key := holdKey(cmd); p.released[key] > 0 {
		p.released[key]--
	}
}

// holdKey tells holds apart by lock and service.
func holdKey(cmd *codec.Command) uint64 {
	return bits.RotateLeft64(maphash.Bytes(tagSeed, cmd.Name), 1) ^ maphash.Bytes(tagSeed, cmd.Service)
}

const (
	tooMuchBehind = "too much input behind a waiting command: nothing of it was executed"
	tooMuchUnread = "too much input behind replies that are not read: nothing of it was executed"
	tooMuchAtOnce = "input comes faster than its commands can be executed"
)

// keep adds input to what waits after the untagged wait, or until replies have been read. At the
// limit the waiting command is answered, and the connection closed.
func (r *reactor) keep(c *conn, b []byte) {
	p := &c.pending
	if p.size()+len(b) <= r.pendingMax(c) {
		kept := getBuffer(&p.kept)
		if p.at > kept.Len()/2 { // moved once per half that was run: linear
			kept.B = kept.B[:copy(kept.B, kept.B[p.at:])]
			p.seen, p.searched = max(p.seen-p.at, 0), max(p.searched-p.at, 0)
			p.at = 0
		}
		kept.Write(b)
		return
	}
	r.e.reject(rejectPending)
	msg := tooMuchUnread
	if !p.paused {
		msg = tooMuchAtOnce
	}
	r.w.Start(c.form, nil)
	if p.waiting {
		msg = tooMuchBehind
		r.w.Start(p.form, nil)
		r.count(codec.VerbAcquire, codec.Limit)
	}
	r.w.ErrorData(codec.Limit, []byte(r.e.limitHit(codec.WhichPending)), msg)
	r.hangUp(c)
}

// resume executes what was kept after a wait that has ended, until one of the
// commands waits or the budget is used up.
func (r *reactor) resume(c *conn) {
	p := &c.pending
	if p.kept == nil || c.closing || c.closed || c.withheld != nil {
		return
	}
	kept := p.kept
	p.kept = nil // an end of the connection must not free it under the decoder
	r.runKept(c, kept.B)
	p.kept = kept
	switch {
	case c.closing || c.closed || p.at == kept.Len():
		p.drop()
		p.resuming = c.withheld != nil
	case c.withheld != nil:
		p.resuming = true
	case !p.waiting && !p.paused:
		r.postponeKept(c)
	case p.resuming:
		r.examine(c)
	}
	r.account(c)
}

// runKept executes kept commands and moves pending.at.
func (r *reactor) runKept(c *conn, in []byte) {
	p := &c.pending
	r.beginReply(c)
	for p.at < len(in) && !c.closing && !c.closed && !p.waiting && !p.paused && c.withheld == nil && !r.overBudget(otherShare) {
		most := codec.BatchMax
		if p.released != nil {
			most = 1 // each RELEASE is looked at
		}
		r.decode(c, in[p.at:], most)
		took, more := r.runKeptNext(c, in[p.at:])
		if p.at += took; !more {
			break
		}
		if len(r.w.Buf) > spillAt {
			r.spill(c)
		}
	}
	r.endReply(c)
}

// runKeptNext executes the kept commands that decode has found, as far as none of them waits. It
// returns how many bytes they took, and false if the rest is for later.
func (r *reactor) runKeptNext(c *conn, in []byte) (took int, more bool) {
	b, p, n := &r.batch, &c.pending, r.next.n
	if n > 0 {
		r.prepare(c, in, n)
	}
	for i := 0; i < n; {
		if p.released != nil && !c.multi && b.Cmds[i].Verb == codec.VerbRelease {
			r.view(i)
			p.releaseRuns(r.cmd)
		}
		if r.mayAll(c) {
			i = r.execute(c, i, n)
		} else {
			r.executeOne(c, i)
			i++
		}
		if took = int(b.Cmds[i-1].End); c.closing || c.closed || p.waiting {
			return took, false
		}
	}
	st := r.next.st
	if st == codec.Undecoded {
		return took, true
	}
	r.present()
	switch {
	case st == codec.Incomplete, r.overBudget(otherShare):
		return took, false
	case st == codec.Ready && r.tooCostly():
		r.later(c)
		return took, false
	}
	r.step(c, st)
	return took + r.next.took, true
}

// postponeKept is for kept input that no wait holds back any more: the budget
// is used up, or it ends in a partial command, which goes where those belong.
func (r *reactor) postponeKept(c *conn) {
	p := &c.pending
	if !c.postponed && !r.overBudget(otherShare) {
		rest := bytebufferpool.Get()
		rest.Write(p.kept.B[p.at:])
		if c.partial != nil {
			rest.Write(c.partial.B)
			putBuffer(c.partial)
		}
		c.partial, c.partialSince = rest, r.now
		p.drop()
		return
	}
	if !p.resuming { // all of it was looked at
		p.seen = p.kept.Len()
	}
	if c.partial != nil { // what comes next must follow it
		p.kept.Write(c.partial.B)
		c.partial = putBuffer(c.partial)
	}
	p.resuming = true
	r.later(c)
}

// examine looks at kept input that was not looked at when it came, now that a
// command before it waits: tagged commands pass the wait, heartbeats renew.
func (r *reactor) examine(c *conn) {
	p := &c.pending
	kept, at := p.kept, p.at
	p.kept, p.at, p.seen, p.searched, p.resuming, p.released = nil, 0, 0, 0, false, nil
	n := at + r.run(c, kept.B[at:])
	if n < kept.Len() && !c.closing && !c.closed {
		getBuffer(&c.partial).Write(kept.B[n:])
		c.partialSince = r.now
	}
	putBuffer(kept)
}
