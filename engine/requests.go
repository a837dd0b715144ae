package engine

import (
	"dlm/codec"
	"dlm/table"
)

// canceled is the answer to a wait that CANCEL has ended.
const canceled = "the wait was cancelled"

// cancelCommand answers CANCEL.
func (r *reactor) cancelCommand(c *conn) {
	if r.cmd.Has(codec.OptReq) {
		r.cancelRequest()
		return
	}
	was := "unknown"
	if r.cancelTagged(c, r.cmd.Text[1:]) {
		was = "waiting"
	}
	r.answerWas(was, 0)
}

// cancelTagged ends the wait of the connection with that tag and answers it. It returns false if
// there is none, or if its answer was sent or will be.
func (r *reactor) cancelTagged(c *conn, tag []byte) bool {
	ticket := c.waits.ticketOf(tag)
	if ticket == 0 {
		return false
	}
	if ref := c.waits.at(ticket).ref; !isQuestion(ref) && !r.cancel(ref) {
		return false
	}
	r.tag = c.waits.take(ticket)
	r.w.Start(codec.FormText, r.tag.text())
	r.w.Error(codec.Canceled, canceled)
	r.count(codec.VerbAcquire, codec.Canceled)
	return true
}

// cancelRequest ends a request with REQ, wherever it waits.
func (r *reactor) cancelRequest() {
	hash := r.served.Table.Hash(r.cmd.Name)
	for {
		s := r.lock(r.served.Table.Shard(hash))
		res := s.CancelRequest(r.now, hash, r.cmd, &r.fx)
		r.unlock(s)
		switch {
		case res.Code == codec.Limit && r.served.Table.Gather(res.Which):
			continue
		case res.Code == codec.Limit:
			r.refuseLimit(res.Which)
		case res.Code != codec.OK:
			r.refuseRecovering()
		default:
			r.answerWas(res.Was.String(), res.Token)
		}
		return
	}
}

// answerWas answers CANCEL. token is that of the hold whose count was given back, or 0.
func (r *reactor) answerWas(was string, token codec.Token) {
	r.w.Start(r.cmd.Form, r.cmd.Tag)
	r.w.Fields()
	r.w.Word("was", was)
	if token != 0 {
		r.w.Token("token", token)
	}
	r.w.End()
	r.count(codec.VerbCancel, codec.OK)
}

// outcome answers OUTCOME.
func (r *reactor) outcome() {
	hash := r.served.Table.Hash(r.cmd.Name)
	s := r.lock(r.served.Table.Shard(hash))
	o := s.Outcome(r.now, hash, r.cmd, &r.fx)
	r.unlock(s)
	if o.Recovering {
		r.refuseRecovering()
		return
	}
	r.w.Fields()
	r.w.Word("state", o.State)
	switch {
	case o.State == "waiting":
		r.cost += table.PlaceMax / costRecord
		r.w.Num("position", int64(o.Position))
	case o.Token > 0:
		r.w.Token("token", o.Token)
		r.w.Num("count", int64(o.Count))
		r.w.Num("lease_ms", o.LeaseMs)
	case o.Why != "":
		r.w.Word("why", o.Why)
	}
	r.w.End()
	r.count(codec.VerbOutcome, codec.OK)
}

// refuseRecovering refuses CANCEL or OUTCOME of a request that may have been granted after the
// image.
func (r *reactor) refuseRecovering() {
	r.errorData = r.appendGraceLeft(r.errorData[:0])
	r.refuseData(codec.Recovering, r.errorData, "recovering after a restart, this request is not known yet: try again")
}
