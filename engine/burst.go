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
// What is true for the first in between is true for all: it is one moment. One without a tag that waits is the last.
func (r *reactor) runPlain(c *conn, in []byte) int {
	t, b := r.plainTable(c), &r.plain
	if t == nil {
		return 0
	}
	r.dec.PreAuth = false
	n, has := r.dec.DecodeBurst(in, &b.Cmds)
	if has&codec.HasTags != 0 {
		n = r.beforeTagInUse(c, in, n)
	}
	if n == 0 {
		return 0
	}
	t.Prepare(b, in, n, c.id)
	for done := 0; done < n; {
		from := done
		r.locked = true
		done = t.RunPlain(r.now, b, from, n)
		r.locked = false
		r.answerPlain(c, in, from, done, has)
		if done < n {
			n = r.applyPlain(c, in, done, n)
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
	if c.may&verbsPlain != verbsPlain || len(c.who.prefixes) > 0 || served.follows || r.e.draining.Load() {
		return nil
	}
	return served.table
}

// answerPlain answers the commands of the burst from i to n, which are those of the last run.
func (r *reactor) answerPlain(c *conn, in []byte, i, n int, has codec.BurstHas) {
	b, from, first := &r.plain, len(r.w.Buf), i
	switch {
	case has == 0 && !c.detail: // what comes most
		r.w.OKLines(n - i)
	case has&codec.HasTags == 0:
		for from := i; from < n; from = i {
			form := b.Cmds[from].Form
			for i++; i < n && b.Cmds[i].Form == form; i++ {
			}
			if form == codec.FormText && !c.detail {
				r.w.OKLines(i - from)
			} else {
				r.w.Holds(form, b.Results[from:i])
			}
		}
	default:
		for ; i < n; i++ {
			p, res := &b.Cmds[i], &b.Results[i]
			r.w.Start(p.Form, p.Tag(in))
			r.writeHold(c, p.Form, res.Token, res.Count, res.LeaseMs)
		}
	}
	granted, released, renewed := b.Counts()
	if granted > 0 {
		r.noteGrants(c, first, n, from)
	}
	r.countMore(codec.VerbAcquire, codec.OK, granted)
	r.countMore(codec.VerbRelease, codec.OK, released)
	r.countMore(codec.VerbHeartbeat, codec.OK, renewed)
}

// beforeTagInUse returns how many of the first n commands of the burst come before the first whose tag is in
// use by a wait.
func (r *reactor) beforeTagInUse(c *conn, in []byte, n int) int {
	last := []byte(nil)
	r.tagsRise = true
	for i := range n {
		if p := &r.plain.Cmds[i]; p.Tagged() {
			tag := p.Tag(in)
			if c.waits.open > tagsMax-codec.BurstMax || c.waits.inUse(tag) {
				return i // near the limit of tags, acquire counts them
			}
			r.tagsRise = r.tagsRise && above(tag, last)
			last = tag
		}
	}
	return n
}

// applyPlain executes and answers command i of the burst, whatever comes of it, and returns where the
// burst of n commands ends: if i waits, behind it, or before the next of the same tag if it has one. Of tags that
// rise, none comes twice.
func (r *reactor) applyPlain(c *conn, in []byte, i, n int) (end int) {
	cmds, open := &r.plain.Cmds, c.waits.open
	cmds[i].Command(in, r.cmd)
	r.w.Start(r.cmd.Form, r.cmd.Tag)
	if r.cmd.Verb == codec.VerbAcquire {
		r.acquire(c)
	} else {
		r.reply(c, r.apply(c.id, 0))
	}
	switch {
	case c.pending.waiting:
		return i + 1
	case c.waits.open == open || r.tagsRise:
		return n
	}
	for end = i + 1; end < n && string(cmds[end].Tag(in)) != string(r.cmd.Tag); end++ {
	}
	return end
}
