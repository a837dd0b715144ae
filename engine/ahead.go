package engine

import (
	"bytes"

	"dlm/codec"
)

// Input that is kept after a waiting command is decoded as it comes, and its heartbeats renew
// (behindWait). Input that is kept until its connection has a turn is not, because it will soon be
// executed. But it may be a megabyte of costly commands, or follow an answer that is withheld for
// seconds, and a holder must not lose its lock for that. So renewAhead looks for heartbeats in that
// input.

// heartbeatWords are the letters of HEARTBEAT after the first, in upper and lower case. Input
// without them is not decoded ahead.
var heartbeatWords = [2][]byte{[]byte("EARTBEAT"), []byte("eartbeat")}

// renewAhead renews the holds that heartbeats in the kept input name, in the part that it has not
// seen. The heartbeats are executed and answered again in their places. Heartbeats with a COUNT,
// which clients send only in a recovery, are left to that.
func (r *reactor) renewAhead(c *conn) {
	p := &c.pending
	if p.kept == nil {
		return
	}
	p.seen = max(p.seen, p.at)
	kept := p.kept.B
	from := max(p.searched-len(heartbeatWords[0]), p.seen) // a word may have come in two parts
	p.searched = len(kept)
	unseen := kept[from:]
	if !bytes.Contains(unseen, heartbeatWords[0]) && !bytes.Contains(unseen, heartbeatWords[1]) {
		return
	}
	for p.seen < len(kept) {
		took, st := r.decodeOne(c, kept[p.seen:])
		switch st {
		case codec.Incomplete:
			p.searched = p.seen // it may be a heartbeat
			return
		case codec.Ready:
			r.cost++
			if !r.cmd.Has(codec.OptCount) {
				r.renewEarly(c, 0)
			}
		case codec.Fatal:
			took = len(kept) - p.seen
		case codec.Blank, codec.Bad:
			r.cost++
		default:
			panic("BUG: unknown decoder status")
		}
		p.seen += took
	}
}

// renewEarly executes the present command, which is i of the batch, without an answer, if it is a
// HEARTBEAT that the connection may send. It returns true if a hold was renewed.
func (r *reactor) renewEarly(c *conn, i int) bool {
	return r.cmd.Verb == codec.VerbHeartbeat && r.refusal(c) == codec.OK && r.runTable(i, i+1) > i
}
