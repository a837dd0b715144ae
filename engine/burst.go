package engine

import (
	"dlm/codec"
	"dlm/table"
)

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
	t := served.table
	n := r.dec.DecodeBurst(in, &r.burst)
	for i := range n {
		r.hashes[i] = t.Hash(r.burst.Cmds[i].Name)
	}
	if n > 1 {
		t.Prefetch(r.hashes[:n])
	}
	return r.execPlain(c, t, n)
}

// execPlain executes the first n commands of the burst, until one waits, and
// returns how many bytes they were. What comes most, OK to a line, is short.
func (r *reactor) execPlain(c *conn, t *table.Table, n int) int {
	if n == 0 {
		return 0
	}
	var s *table.Shard
	var okays [verbPlainLast + 1]uint32 // by verb
	out, done := r.w.Buf, 0
	r.locked = true // until the end: nothing is done in between without a shard
	for done < n && !c.pending.waiting {
		cmd, hash := &r.burst.Cmds[done], r.hashes[done]
		if next := t.Shard(hash); next != s {
			if s != nil {
				s.Unlock()
			}
			s = next
			s.Lock()
		}
		done++
		res := s.Apply(r.now, hash, cmd, table.Origin{Conn: c.id}, &r.fx)
		if res.Code != codec.OK || res.Waiting {
			r.cmd, r.w.Buf = cmd, out
			r.w.Start(cmd.Form, nil)
			r.outcome(c, res)
			out = r.w.Buf
			continue
		}
		if res.Fresh {
			c.grants = append(c.grants, res.Hold)
		}
		okays[cmd.Verb&verbPlainLast]++
		if cmd.Form == codec.FormText && !c.detail {
			out = append(out, "OK\n"...)
			continue
		}
		r.w.Buf = out
		r.w.Start(cmd.Form, nil)
		r.w.Hold(res.Token, res.Count, res.LeaseMs)
		out = r.w.Buf
	}
	s.Unlock()
	r.locked = false
	r.w.Buf = out
	r.countOkays(okays)
	r.cost += done
	c.form = r.burst.Cmds[done-1].Form
	return r.burst.Ends[done-1]
}

// verbPlainLast is the last verb of plain commands, which are the first three.
const verbPlainLast = codec.VerbHeartbeat

// countOkays notes commands that were answered OK.
func (r *reactor) countOkays(okays [verbPlainLast + 1]uint32) {
	for verb, n := range okays {
		if n > 0 {
			r.countMore(codec.Verb(verb), codec.OK, n)
		}
	}
}
