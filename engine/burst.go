package engine

import (
	"dlm/codec"
	"dlm/table"
)

// runPlain executes what comes most: plain lock commands of a connection that
// may use all locks. It takes up to codec.BurstMax from the beginning of in and returns
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
	lines := 0                          // OKs that are still to be written
	hashes := r.hashes[:n]
	r.locked = true // until the end: nothing is done in between without a shard
	for i, hash := range hashes {
		cmd := &r.burst.Cmds[i]
		if next := t.Shard(hash); next != s {
			if s != nil {
				s.Unlock()
			}
			s = next
			s.Lock()
		}
		res := s.Apply(r.now, hash, cmd, table.Origin{Conn: c.id}, &r.fx)
		if res.Code == codec.OK && !res.Waiting {
			if res.Fresh {
				c.grants = append(c.grants, res.Hold)
			}
			okays[cmd.Verb&verbPlainLast]++
			if cmd.Form == codec.FormText && !c.detail {
				lines++
				continue
			}
			r.w.OKLines(lines)
			lines = 0
			r.w.Start(cmd.Form, nil)
			r.w.Hold(res.Token, res.Count, res.LeaseMs)
			continue
		}
		r.w.OKLines(lines)
		lines = 0
		r.cmd = cmd
		r.w.Start(cmd.Form, nil)
		r.outcome(c, res)
		if res.Waiting {
			n = i + 1
			break
		}
	}
	s.Unlock()
	r.locked = false
	r.w.OKLines(lines)
	r.countOkays(okays)
	r.cost += n
	c.form = r.burst.Cmds[n-1].Form
	return r.burst.Ends[n-1]
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
