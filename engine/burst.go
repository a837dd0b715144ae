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
// What is true for the first in between is true for all: it is one moment. One that waits is the last.
func (r *reactor) runPlain(c *conn, in []byte) int {
	t, b := r.plainTable(c), &r.plain
	if t == nil {
		return 0
	}
	r.dec.PreAuth = false
	n := r.dec.DecodeBurst(in, &b.Cmds)
	if n == 0 {
		return 0
	}
	t.Prepare(b, in, n, c.id)
	for done := 0; done < n; {
		from := done
		r.locked = true
		done = t.RunPlain(r.now, b, from, n)
		r.locked = false
		r.answerPlain(c, from, done)
		if done < n {
			if r.applyPlain(c, t, in, done) {
				n = done + 1
			}
			done++
		}
	}
	last := &b.Cmds[n-1]
	r.cost += n
	c.form = last.Form
	return int(last.End)
}

// plainTable returns the table on which the connection may execute all plain commands, nil if
// there are some that it may not.
func (r *reactor) plainTable(c *conn) *table.Table {
	served := r.e.served.Load()
	if verbsOf[c.who.role]&verbsPlain != verbsPlain || len(c.who.prefixes) > 0 || served.follows || r.e.draining.Load() {
		return nil
	}
	return served.table
}

// answerPlain answers the commands of the burst from i to n, that were executed. What comes
// most, OK to a line, is short.
func (r *reactor) answerPlain(c *conn, i, n int) {
	var okays [verbPlainLast + 1]uint32 // by verb
	lines := 0                          // OKs that are still to be written
	grants := c.grants
	for ; i < n; i++ {
		p, res := &r.plain.Cmds[i], &r.plain.Results[i]
		okays[p.Verb&verbPlainLast]++
		if p.Verb == codec.VerbAcquire {
			grants = append(grants, res.Hold)
		}
		if p.Form == codec.FormText && !c.detail {
			lines++
			continue
		}
		r.w.OKLines(lines)
		lines = 0
		r.w.Start(p.Form, nil)
		r.w.Hold(res.Hold.Token, res.Count, res.LeaseMs)
	}
	c.grants = grants
	r.w.OKLines(lines)
	for verb, n := range okays {
		if n > 0 {
			r.countMore(codec.Verb(verb), codec.OK, n)
		}
	}
}

// verbPlainLast is the last verb of plain commands, which are the first three.
const verbPlainLast = codec.VerbHeartbeat

// applyPlain executes and answers command i of the burst, whatever comes of it, and tells whether it waits.
func (r *reactor) applyPlain(c *conn, t *table.Table, in []byte, i int) (waits bool) {
	hash, p := r.plain.Hash(i), &r.plain.Cmds[i]
	p.Command(in, r.cmd)
	r.w.Start(p.Form, nil)
	s := r.lock(t.Shard(hash))
	res := s.Apply(r.now, hash, r.cmd, table.Origin{Conn: c.id}, &r.fx)
	r.unlock(s)
	r.outcome(c, res)
	return res.Waiting
}
