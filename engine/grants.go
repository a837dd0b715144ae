package engine

import (
	"math/bits"

	"dlm/codec"
	"dlm/table"
)

// grantLog is the holds that were given in the output of a batch, and where their replies are.
// While the kernel takes all output, which is nearly always, nobody looks into it.
type grantLog struct {
	holds []table.HoldRef
	marks []grantMark
}

// grantMark says which replies the holds after those of the mark before it have, up to holds[upTo].
type grantMark struct {
	upTo   uint32
	from   uint32 // the replies are out[from:to], in a row
	to     uint32
	which  uint16 // those of the holds, by bit; 0: not known, the first at the earliest
	single bool   // there is one reply, and only its end is known
	waited bool   // the end of a wait
}

// add notes a hold whose reply ends at that place of the output.
func (g *grantLog) add(hold table.HoldRef, end int, waited bool) {
	g.holds = append(g.holds, hold)
	m := grantMark{upTo: uint32(len(g.holds)), to: uint32(end), single: true, waited: waited}
	g.marks = append(g.marks, m)
}

func (g *grantLog) reset() { g.holds, g.marks = g.holds[:0], g.marks[:0] }

// noteGrants notes the holds that the commands of the batch from i to n were given, whose replies
// begin at that place of the output. Which of the replies are theirs is noted while there is a
// backlog, because it is hardly ever asked for otherwise, and if some ACQUIREs were re-entries: the
// first reply of a run would then be far from that of the grant.
func (r *reactor) noteGrants(c *conn, i, n, from int) {
	g, m := &c.grants, grantMark{from: uint32(from), to: uint32(len(r.w.Buf))}
	g.holds = append(g.holds, r.batch.Grants()...)
	m.upTo = uint32(len(g.holds))
	if acquired, _, _ := r.batch.Counts(); c.backlog != nil || acquired != len(r.batch.Grants()) || r.batch.Moved() != 0 {
		for j := i; j < n; j++ {
			if r.batch.NewHold(j) {
				m.which |= 1 << (j - i)
			}
		}
	}
	g.marks = append(g.marks, m)
}

// ends calls yield for each hold with the offset in out at which its reply ends. Where it is not
// known which reply a hold has, that is the earliest that it can be: a grant whose reply has left
// is never taken for one whose has not.
func (g *grantLog) ends(out []byte, yield func(hold table.HoldRef, end int, waited bool)) {
	i := 0
	for _, m := range g.marks {
		at, reply := int(m.from), 0
		for k := 0; i < int(m.upTo); i, k = i+1, k+1 {
			if m.single {
				at = int(m.to)
			} else {
				for want := m.reply(k); reply <= want; reply++ {
					at += replyLen(out[at:m.to])
				}
			}
			yield(g.holds[i], at, m.waited)
		}
	}
}

// reply returns the number of the reply of hold k of the mark, or the least that it can be.
func (m *grantMark) reply(k int) int {
	which := m.which
	if which == 0 {
		return k
	}
	for range k {
		which &= which - 1
	}
	return bits.TrailingZeros16(which)
}

// replyLen returns the length of the first reply in out, which is that of a grant or the like.
func replyLen(out []byte) int {
	form := codec.FormText
	if out[0] == '*' || out[0] == '%' {
		form = codec.FormRESP
	}
	var r codec.Reply
	n, st := codec.ParseReply(out, form, &r)
	if st != codec.Ready {
		panic("BUG: a reply of ours is none")
	}
	return n
}

// settleGrants decides on the grants of the output that was just written, which begins at offset
// base: the reply has left, or waits in the backlog, or never will. prompt reports whether the peer
// acknowledges what it reads.
func (r *reactor) settleGrants(c *conn, base, transmitted int64, prompt bool) {
	c.grants.ends(c.out, func(hold table.HoldRef, end int, waited bool) {
		g := ownedGrant{hold: hold, end: base + int64(end), waited: waited}
		switch {
		case g.end <= c.sent:
			if !c.closed {
				c.hasLeft(g, transmitted, prompt)
			}
		case c.closed:
			r.takeBack(hold)
		default:
			c.backlog.grants = append(c.backlog.grants, g)
		}
	})
}

// settleSent forgets the grants whose replies have left the backlog.
func (r *reactor) settleSent(c *conn) {
	b, transmitted := c.backlog, int64(0)
	for b.settled < len(b.grants) && b.grants[b.settled].end <= c.sent {
		if transmitted == 0 {
			transmitted = c.transmitted()
		}
		c.hasLeft(b.grants[b.settled], transmitted, false)
		b.settled++
	}
	if b.settled > len(b.grants)/2 { // moved once per half: linear
		b.grants = b.grants[:copy(b.grants, b.grants[b.settled:])]
		b.settled = 0
	}
}

// orphanBacklog takes back the grants of a connection that is gone whose replies have not left.
func (r *reactor) orphanBacklog(c *conn) {
	b := c.backlog
	if b == nil {
		return
	}
	for _, g := range b.grants[b.settled:] {
		if g.end > c.sent {
			r.orphans = append(r.orphans, g.hold)
		}
	}
	b.free()
	c.backlog = nil
	r.takeBackOrphans()
}

// takeBackOrphans takes back grants that nobody will be told of, within the budget of the batch.
// There can be a million of them at the end of one connection. The rest is left to the next time
// around.
func (r *reactor) takeBackOrphans() {
	for len(r.orphans) > 0 && (!r.overBudget(otherShare) || r.e.draining.Load()) {
		last := len(r.orphans) - 1
		r.takeBack(r.orphans[last])
		r.orphans = r.orphans[:last]
		r.cost++
	}
	if len(r.orphans) > 0 {
		r.wake()
		return
	}
	if cap(r.orphans) > orphansKept {
		r.orphans = nil
	}
}
