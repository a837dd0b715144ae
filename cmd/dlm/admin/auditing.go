package admin

import (
	"context"
	"net/http"

	"dlm/codec"
	"dlm/engine/audit"
	"dlm/engine/observe"
)

// auditFull tells an admin why nothing is done.
const auditFull = "the audit takes no record, see the server's log: nothing was changed"

// beginAudit waits until it is recorded that an admin has asked for something. The caller records
// the outcome by noteEnd. It returns false if that can't be recorded. The admin's request may end
// before.
func (s *Server) beginAudit(ctx context.Context, asked audit.Record) (noteEnd func(error), ok bool) {
	act := s.engine.Audit().BeginRecorded(context.WithoutCancel(ctx), asked)
	if act == nil {
		return nil, false
	}
	return func(err error) {
		outcome := act.Asked
		outcome.Outcome = audit.Done
		if err != nil {
			outcome.Outcome, outcome.Detail = audit.Failed, err.Error()
		}
		act.End(outcome)
	}, true
}

// refuseUnaudited answers a request of an admin in text that can't be recorded.
func refuseUnaudited(w http.ResponseWriter) {
	w.Header().Set("Retry-After", "1")
	answer(w, http.StatusServiceUnavailable, "LIMIT audit "+auditFull)
}

// reason returns why an admin acts, which the audit must know.
func (c *call) reason(text string) (observe.Text, error) {
	b, err := unescape("reason", text, codec.MetaMax)
	if err == nil && len(b) == 0 {
		err = refuse(codec.BadArg, "reason is missing: the audit needs it")
	}
	return b, err
}

// noteFetch counts an image that was sent.
func (s *Server) noteFetch(w http.ResponseWriter, r *http.Request, who string) {
	if sent, ok := w.(*statusWriter); ok && r.Method == http.MethodGet && (sent.status == http.StatusOK || sent.status == http.StatusPartialContent) {
		s.engine.Audit().Count(audit.ImageFetch, "http", who, r.RemoteAddr)
	}
}

// auditRow is one record of the audit. Fields that it lacks are left out.
type auditRow struct {
	Seq     uint64       `json:"seq"`
	AtMs    int64        `json:"at_ms"`
	Event   audit.Event  `json:"event"`
	Outcome string       `json:"outcome,omitempty"`
	By      string       `json:"by,omitempty"`
	From    string       `json:"from,omitempty"`
	What    string       `json:"what,omitempty"`
	Lock    observe.Text `json:"lock,omitempty"`
	Owner   observe.Text `json:"owner,omitempty"`
	Token   uint64       `json:"token,omitempty"`
	Reason  observe.Text `json:"reason,omitempty"`
	Detail  string       `json:"detail,omitempty"`
	Count   uint64       `json:"count,omitempty"`
}

// auditAnswer is records from since on, oldest first.
type auditAnswer struct {
	Next uint64     `json:"next"` // since of the next question
	Lost uint64     `json:"lost"` // records after since that are not kept any more
	Rows []auditRow `json:"rows"`
}

// auditBytes is how many bytes of strings one answer has before it ends.
const auditBytes = 256 << 10

// apiAudit answers records of the audit.
func (s *Server) apiAudit(c *call) (any, error) {
	log := s.engine.Audit()
	since, limit, err := c.part(log.Next())
	if err != nil {
		return nil, err
	}
	records, next, lost := log.Since(since, limit)
	a := &auditAnswer{Next: next, Lost: lost, Rows: []auditRow{}}
	bytes := auditBytes
	for i := range records {
		r := &records[i]
		if bytes <= 0 {
			a.Next = r.Seq
			break
		}
		bytes -= len(r.By) + len(r.What) + len(r.Lock) + len(r.Owner) + len(r.Reason) + len(r.Detail)
		a.Rows = append(a.Rows, auditRow{r.Seq, r.At.UnixMilli(), r.Event, r.Outcome, audit.Escape(r.By), r.From, r.What,
			observe.Text(r.Lock), observe.Text(r.Owner), r.Token, observe.Text(r.Reason), r.Detail, r.Count})
	}
	return a, nil
}
