package table

import (
	"fmt"
	"reflect"
	"slices"

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
		if wrong := w.checkOutcome(q); wrong != "" && q.cmd.Verb == codec.VerbAcquire {
			return wrong
		}
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

// cancelSome cancels a request of the client's present hold, if it has one that the server knows,
// in half of the cases. It reports whether a count was given back.
func (w *sharedWorld) cancelSome(client int) (r Result, canceled bool) {
	at := slices.IndexFunc(w.requests, func(q sharedRequest) bool {
		return q.client == client && q.hold == w.holds[client] && q.cmd.Verb == codec.VerbAcquire
	})
	if at < 0 || w.rng.IntN(2) == 0 {
		return r, false
	}
	cmd := w.requests[at].cmd
	cmd.Verb, cmd.Opts = codec.VerbCancel, codec.OptReq
	r = *w.shard().CancelRequest(w.now, w.table.Hash(sharedLock), &cmd, &w.fx)
	w.lines = append(w.lines, fmt.Sprintf("%s: %+v", codec.AppendCommand(nil, &cmd), r))
	if canceled = r.Was == WasGranted; canceled {
		w.requests = slices.Delete(w.requests, at, at+1) // a repeat of it would be a new request
	}
	return r, canceled
}

// checkOutcome asks what became of a request, and compares with what the client knows.
func (w *sharedWorld) checkOutcome(q sharedRequest) string {
	cmd := q.cmd
	cmd.Verb, cmd.Opts = codec.VerbOutcome, codec.OptReq
	o := w.shard().Outcome(w.now, w.table.Hash(sharedLock), &cmd, &w.fx)
	b := w.books[q.client]
	current := b.count > 0 && q.hold == w.holds[q.client]
	switch {
	case o.State == "waiting", o.State == "unknown" && !o.Recovering:
		return fmt.Sprintf("outcome: of REQ %s of c%d: %+v", q.cmd.Req, q.client, o)
	case o.State == "granted" && (current && (o.Token != b.token || o.Count != b.count) || !current && w.believed[q.client] != o.Token):
		return fmt.Sprintf("outcome: of REQ %s of c%d: %+v, its hold is %+v", q.cmd.Req, q.client, o, b)
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
