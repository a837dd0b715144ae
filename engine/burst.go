package engine

import (
	"dlm/codec"
	"dlm/table"
)

// burstMax is how many commands are decoded before the first is executed. Beyond 16
// nothing is gained.
const burstMax = 16

// burst is a group of plain lock commands that are decoded, and not yet executed.
type burst struct {
	cmds   [burstMax]codec.Command
	hashes [burstMax]uint64 // of their names
	took   [burstMax]int    // bytes of input
}

// runPlain executes what comes most: plain lock commands of a connection that
// may use all locks. It takes up to burstMax from the beginning of in and returns
// how many bytes they were; 0 leaves the input to decode and step, which come to
// the same results.
//
// They are decoded and hashed first, so that the memory which they will read is
// fetched for all of them at once, and a shard stays locked from one to the next if
// it is the same. What is true for the first in between is true for all: it is one moment.
func (r *reactor) runPlain(c *conn, in []byte) int {
	served := r.e.served.Load()
	if verbsOf[c.who.role]&verbsPlain != verbsPlain || len(c.who.prefixes) > 0 || served.follows || r.e.draining.Load() {
		return 0
	}
	r.dec.PreAuth = false
	b, t := &r.burst, served.table
	n := 0
	for at := 0; n < burstMax && at < len(in); n++ {
		took, ok := r.dec.DecodePlain(in[at:], &b.cmds[n])
		if !ok {
			break
		}
		b.hashes[n], b.took[n] = t.Hash(b.cmds[n].Name), took
		at += took
	}
	if n > 1 {
		t.Prefetch(b.hashes[:n])
	}
	return r.execPlain(c, t, n)
}

// execPlain executes the first n commands of the burst, until one waits.
func (r *reactor) execPlain(c *conn, t *table.Table, n int) (took int) {
	var s *table.Shard
	for i := 0; i < n && !c.pending.waiting; i++ {
		cmd, hash := &r.burst.cmds[i], r.burst.hashes[i]
		if next := t.Shard(hash); next != s {
			if s != nil {
				r.unlock(s)
			}
			s = r.lock(next)
		}
		r.cmd = cmd
		r.w.Start(cmd.Form, nil)
		r.outcome(c, s.Apply(r.now, hash, cmd, table.Origin{Conn: c.id}, &r.fx))
		took += r.burst.took[i]
		r.cost++
	}
	if s != nil {
		r.unlock(s)
		c.form = r.cmd.Form
	}
	return took
}
