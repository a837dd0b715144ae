package engine

import (
	"bytes"

	"dlm/codec"
)

// Input that is kept behind a wait is looked at as it comes, and its heartbeats renew (behindWait).
// Input that is kept until it has its turn is not, because it is about to be executed. But it may
// be a megabyte of costly commands, or stand behind an answer that is withheld for seconds, and a
// holder must not lose its lock for that. So heartbeats in it renew, too.

// heartbeatWords are what a HEARTBEAT has in it, however it is spelled. Input without them is not
// taken apart.
var heartbeatWords = [2][]byte{[]byte("EARTBEAT"), []byte("eartbeat")}

// renewAhead renews the holds that heartbeats name in the kept input that was not looked at. The
// heartbeats are executed and answered in their places all the same. Those with a COUNT, which come
// in a recovery only, are left to that.
func (r *reactor) renewAhead(c *conn) {
	p := &c.pending
	if p.kept == nil {
		return
	}
	p.seen = max(p.seen, p.at)
	kept := p.kept.B
	from := max(p.searched-len(heartbeatWords[0]), p.seen) // one may have come in parts
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

// renewEarly executes the present command, which is i of the batch, without an answer if it is a
// HEARTBEAT that the connection may send, and reports whether it has renewed a hold.
func (r *reactor) renewEarly(c *conn, i int) bool {
	return r.cmd.Verb == codec.VerbHeartbeat && r.refusal(c) == codec.OK && r.runTable(i, i+1) > i
}
