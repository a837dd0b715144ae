package table

import (
	"fmt"
	"reflect"

	"dlm/codec"
)

// sharedRequest is an ACQUIRE or RELEASE with REQ that was answered OK.
type sharedRequest struct {
	client int
	cmd    codec.Command
	hold   int // which of the client's holds it is about
	answer Result
}

// addRequest gives every other ACQUIRE and RELEASE an id.
func (w *sharedWorld) addRequest(c *codec.Command) {
	if w.rng.IntN(2) == 0 && (c.Verb == codec.VerbAcquire || c.Verb == codec.VerbRelease) {
		c.Opts |= codec.OptReq
		c.Req = fmt.Append(nil, len(w.lines))
	}
}

// withoutRule changes the table after a start, as one without the rule would.
func (w *sharedWorld) withoutRule() {
	s := w.shard()
	for i := uint32(0); w.out == requestsUnknown && i < s.requests.len(); i++ {
		if s.requests.inUse(i) != nil {
			s.dropRequest(i)
		}
	}
}

func (w *sharedWorld) shard() *Shard { return w.table.Shard(w.table.Hash(sharedLock)) }

// repeatSome repeats requests that the image knows. No repeat may change a hold. One is answered OK
// only if its hold stands: the client has not given it back, or has been believed that it holds.
func (w *sharedWorld) repeatSome() string {
	for range min(3, len(w.requests)) {
		q := w.requests[w.rng.IntN(len(w.requests))]
		before := w.heldNow()
		r := w.repeat(q)
		if after := w.heldNow(); !reflect.DeepEqual(before, after) {
			return fmt.Sprintf("twice: REQ %s of c%d changes %v to %v", q.cmd.Req, q.client, before, after)
		}
		if wrong := w.checkRepeat(q, &r); wrong != "" {
			return wrong
		}
	}
	return ""
}

func (w *sharedWorld) repeat(q sharedRequest) Result {
	x, g, _, _ := w.shard().holdBy(w.shard().indexOf(uint32(w.table.Hash(sharedLock)), sharedLock), q.cmd.Service)
	if w.out == repeatsBelieved && x != nil && g.state == stateUnverified {
		g.state = stateConfirmed
		defer func() { g.state = stateUnverified }()
	}
	return w.do(q.cmd.Verb, q.client, func(c *codec.Command) { *c = q.cmd })
}

func (w *sharedWorld) checkRepeat(q sharedRequest, r *Result) string {
	b := w.books[q.client]
	current := b.count > 0 && q.hold == w.holds[q.client]
	switch {
	case q.cmd.Verb == codec.VerbRelease && (r.Code != codec.OK || r.Token != q.answer.Token || r.Count != q.answer.Count):
		return fmt.Sprintf("release: REQ %s of c%d was answered %+v, and is now %+v", q.cmd.Req, q.client, q.answer, *r)
	case q.cmd.Verb == codec.VerbRelease:
	case r.Code == codec.Recovering || r.Code == codec.Stale:
	case r.Code != codec.OK:
		return fmt.Sprintf("code: REQ %s of c%d is answered %v", q.cmd.Req, q.client, r.Code)
	case current && (r.Token != b.token || r.Count != b.count):
		return fmt.Sprintf("other: REQ %s of c%d is answered %+v, its hold is %+v", q.cmd.Req, q.client, *r, b)
	case !current && w.believed[q.client] != r.Token:
		return fmt.Sprintf("over: REQ %s of c%d is answered %+v, its hold is over", q.cmd.Req, q.client, *r)
	}
	return ""
}

// heldNow returns the present holds by their services, each with its token and count.
func (w *sharedWorld) heldNow() map[string]string {
	held := map[string]string{}
	l := peek(w.table, sharedLock)
	if l == nil {
		return held
	}
	if l.share == exclusive && l.count > 0 {
		held[l.owner] = fmt.Sprint(l.token, l.count)
	}
	for _, h := range l.holders {
		if h.count > 0 {
			held[h.owner] = fmt.Sprint(h.token, h.count)
		}
	}
	return held
}
