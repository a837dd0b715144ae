package engine

import (
	"math/bits"

	"dlm/codec"
	"dlm/engine/auth"
)

// decoded says what decode has found: n lock commands in reactor.batch, and after them the command
// cmd, unless st is Undecoded.
type decoded struct {
	n    int
	cmd  *codec.Command
	took int // bytes of the command after them
	st   codec.Status
	done bool // nobody has run them yet: the next run begins with them
}

// decode decodes up to most commands within the limits of the connection.
func (r *reactor) decode(c *conn, in []byte, most int) {
	r.dec.PreAuth = c.who.Role == auth.RoleNone
	r.next.n, r.next.took, r.next.st = r.dec.DecodeBatch(in, &r.batch.Batch, most, r.next.cmd)
}

// present makes the command after the batch the present command.
func (r *reactor) present() { r.cmd, r.next.cmd = r.next.cmd, r.cmd }

// decodeOne decodes one command into r.cmd, a lock command also as the first of the batch. It
// returns how many bytes the command takes.
func (r *reactor) decodeOne(c *conn, in []byte) (took int, st codec.Status) {
	r.decode(c, in, 1)
	if r.next.n == 0 {
		if r.next.st == codec.Undecoded {
			return 0, codec.Incomplete // no input
		}
		r.present()
		return r.next.took, r.next.st
	}
	r.prepare(c, in, 1)
	r.view(0)
	return int(r.batch.Cmds[0].End), codec.Ready
}

// view makes command i of the batch the present command.
func (r *reactor) view(i int) { r.batch.Cmds[i].Command(r.batch.Source(i), r.cmd) }

// prepare hashes the first n commands of the batch for the table that is served now. The batch is
// executed on that table, even if a promotion puts another one in its place meanwhile, because
// another table has other hashes.
func (r *reactor) prepare(c *conn, in []byte, n int) {
	r.served = r.e.store.State()
	r.served.Table.Prepare(&r.batch, in, n, c.id)
}

// runBatch executes or keeps the lock commands that decode has found at the beginning of in, and
// returns how many bytes they took.
func (r *reactor) runBatch(c *conn, in []byte) int {
	b, n := &r.batch, r.next.n
	if n == 0 {
		return 0
	}
	r.prepare(c, in, n)
	for i := 0; i < n && !c.closing && !c.closed; {
		switch p := &c.pending; {
		case p.paused || p.waiting && !b.Cmds[i].Tagged():
			r.keepCommand(c, in, i)
			i++
		case p.waiting || !r.mayAll(c):
			r.executeOne(c, i)
			i++
		default:
			i = r.execute(c, i, n)
		}
	}
	return int(b.Cmds[n-1].End)
}

// mayAll reports whether the connection may execute all lock commands now: no command needs to be
// asked for on its own. The state of the server is that of the last prepare.
func (r *reactor) mayAll(c *conn) bool {
	return c.may&verbsBatch == verbsBatch && c.who.Unbound() && !r.served.Follows() && !r.e.draining.Load()
}

// execute executes the commands of the batch from i to n, or to the first without a tag that has to
// wait, and answers them. It returns the first that it did not execute. All of them are executed at
// one instant: the role of the connection and the state of the server are the same for all.
func (r *reactor) execute(c *conn, i, n int) int {
	first := i
	for i < n && !c.closing {
		end := n
		if r.batch.Has&codec.HasTags != 0 {
			if end = r.beforeTagInUse(c, i, n); end == i {
				r.view(i)
				r.tagTaken(c)
				return n
			}
			if r.tooManyTags(c, i) {
				i++
				continue
			}
			r.batch.Ticket = c.waits.nextTicket()
		}
		from := i
		if i = r.runTable(from, end); i > from {
			r.answerBatch(c, from, i)
		}
		if i < end {
			if r.view(i); r.answerOther(c, i) {
				i++
				break
			}
			i++
		}
	}
	r.cost += i - first
	c.form = r.batch.Cmds[i-1].Form
	return i
}

// runTable lets the table execute the commands from i to n, and returns the first that it did not
// answer OK.
func (r *reactor) runTable(i, n int) int {
	r.locked = true
	i = r.served.Table.Run(r.now, &r.batch, i, n, &r.fx)
	r.locked = false
	return i
}

// answerBatch answers the commands from i to n, which are those that the last run has answered OK.
func (r *reactor) answerBatch(c *conn, i, n int) {
	b, from, first := &r.batch, len(r.w.Buf), i
	for i < n {
		form, next := b.Cmds[i].Form, n
		if b.Has&codec.HasRESP != 0 {
			for next = i + 1; next < n && b.Cmds[next].Form == form; next++ {
			}
		}
		if form == codec.FormText && !c.detail {
			r.w.OKs(&b.Batch, i, next, b.Input())
		} else {
			r.w.Holds(&b.Batch, i, next, b.Input(), b.Results[:])
		}
		i = next
	}
	if len(b.Grants()) > 0 {
		r.noteGrants(c, first, n, from)
	}
	acquired, released, renewed := b.Counts()
	r.countMore(codec.VerbAcquire, codec.OK, acquired)
	r.countMore(codec.VerbRelease, codec.OK, released)
	r.countMore(codec.VerbHeartbeat, codec.OK, renewed)
	for moved := b.Moved(); moved != 0; moved &= moved - 1 {
		r.countMore(b.Cmds[bits.TrailingZeros16(moved)].Verb, codec.OK, 1)
	}
}

// answerOther answers command i, which was not answered OK and which r.cmd is, or notes that it
// waits. It returns true if it waits without a tag.
func (r *reactor) answerOther(c *conn, i int) bool {
	r.cost += costOther - 1
	res := r.fx.Result()
	if res.Code == codec.Limit && r.served.Table.Gather(res.Which) {
		if r.runTable(i, i+1) > i {
			r.answerBatch(c, i, i+1)
			return false
		}
	}
	if res.Waiting && r.cmd.Has(codec.OptDetect) {
		r.e.detect()
	}
	switch {
	case !res.Waiting:
		r.w.Start(r.cmd.Form, r.cmd.Tag)
		r.refuseResult(c, res)
	case len(r.cmd.Tag) > 0:
		c.waits.add(r.cmd.Tag, res.Waiter)
	default:
		c.pending.waiting, c.pending.form, c.pending.ref = true, r.cmd.Form, res.Waiter
		return true
	}
	return false
}

// executeOne executes command i of the batch, if the connection may.
func (r *reactor) executeOne(c *conn, i int) {
	p, from := &r.batch.Cmds[i], len(r.w.Buf)
	r.view(i)
	c.form = p.Form
	r.cost += costOther - 1
	r.w.Start(p.Form, r.cmd.Tag)
	switch {
	case p.Tagged() && c.waits.inUse(r.cmd.Tag):
		r.tagTaken(c)
	case r.refused(c):
		r.cost++
	default:
		if c.who.Counted {
			p.Opts |= codec.OptCounted
		}
		r.execute(c, i, i+1)
		if _, released, renewed := r.batch.Counts(); released+renewed > 0 {
			r.guestShows(c, rankHolder)
		}
	}
	if c.who.Role == auth.RoleNone {
		r.boundPreAuth(c, from)
	}
}

// keepCommand keeps command i of the batch, which came after a wait.
func (r *reactor) keepCommand(c *conn, in []byte, i int) {
	start := uint32(0)
	if i > 0 {
		start = r.batch.Cmds[i-1].End
	}
	r.view(i)
	r.cost++
	r.behindWait(c, in[start:], int(r.batch.Cmds[i].End-start), codec.Ready, i)
}

// beforeTagInUse returns the first command from i to n whose tag is that of a wait. Run stops at
// each command that waits, and the commands after it are looked at again.
func (r *reactor) beforeTagInUse(c *conn, i, n int) int {
	switch {
	case c.waits.open == 0:
		return n
	case c.waits.open > tagsMax-codec.BatchMax:
		n = i + 1 // near the limit, each wait is counted
	}
	for at := i; at < n; at++ {
		if p := &r.batch.Cmds[at]; p.Tagged() && c.waits.inUse(p.Tag(r.batch.Source(at))) {
			return at
		}
	}
	return n
}

// tooManyTags refuses command i if it may wait and the connection has as many tagged waits as it
// may.
func (r *reactor) tooManyTags(c *conn, i int) bool {
	p := &r.batch.Cmds[i]
	if c.waits.open < tagsMax || !p.Tagged() || !p.MayWait() {
		return false
	}
	r.view(i)
	r.w.Start(p.Form, r.cmd.Tag)
	r.refuseLimit(codec.WhichTags)
	return true
}

// tagTaken answers a command whose tag is in use, and hangs up: an answer with that tag would be
// taken for that of the wait.
func (r *reactor) tagTaken(c *conn) {
	r.w.Start(codec.FormText, nil)
	r.refuse(codec.BadArg, "this tag is in use by a waiting command; the connection is closed")
	r.hangUp(c)
}
