package engine

import (
	"bytes"
	"context"
	"strings"
	"time"

	"dlm/codec"
	"dlm/engine/auth"
	"dlm/engine/observe"
	"dlm/table"
)

// Questions are the commands of operators whose answers no loop makes, because they walk records,
// wait for a view, or ask other loops: TOP, WAITERS, OWNER, DEADLOCKS, EVENTS, CLIENTS, DISCONNECT.
// To the connection such a command is a wait like that of an ACQUIRE: the commands after it keep
// their place, heartbeats among them renew, and a tag lets others pass. A goroutine makes the
// answer as bytes, and posts it to the loop. FORCE-RELEASE is one in part (force.go).
//
// To add one: codec/parselook.go reads it, answer makes it.

const (
	// questionsMax is how many questions are being answered at one time. More are refused.
	questionsMax = 64
	// questionScans is how many of them walk records at one time.
	questionScans = 2
	// questionMax is how long an answer may take.
	questionMax = 5 * time.Second
)

// questions bounds the goroutines that answer.
type questions struct {
	places chan struct{} // one per question
	scans  chan struct{} // one per question that walks records
}

// question is one command, copied because it outlives the input.
type question struct {
	conn   table.ConnID
	who    auth.Identity
	tag    tag
	ticket uint32 // of the wait of the connection; 0: it has no tag
	resp3  bool
	ref    table.WaiterRef // of that wait
	from   string          // address
	cmd    codec.Command
}

// answered is an answer that was made for a connection.
type answered struct {
	conn   table.ConnID
	ticket uint32
	ref    table.WaiterRef
	verb   codec.Verb
	code   codec.Code
	text   []byte
}

// ask lets the present command be answered by a goroutine.
func (r *reactor) ask(c *conn) {
	if !r.mayAsk(c) {
		return
	}
	select {
	case r.e.questions.places <- struct{}{}:
	default:
		r.refuseData(codec.Limit, []byte(r.e.limitHit(codec.WhichPending)), "too many such questions are being answered: ask again")
		return
	}
	q := r.makeQuestion(c)
	r.e.inBackground(func(ctx context.Context) {
		defer func() { <-r.e.questions.places }()
		tell(r, &r.inbox.answers, r.e.answer(ctx, q))
	})
}

// mayAsk refuses the present command if no goroutine may answer it now, and returns false then.
func (r *reactor) mayAsk(c *conn) bool {
	switch {
	case r.served.WithoutImage():
		r.refuse(codec.ReadOnly, noImage)
	case r.e.draining.Load(): // a stop waits for the goroutines that run
		r.refuse(codec.Shutdown, reasonOf(r.cmd.Verb, codec.Shutdown))
	case len(r.cmd.Tag) > 0 && c.waits.open >= tagsMax:
		r.refuseLimit(codec.WhichTags)
	default:
		return true
	}
	return false
}

// makeQuestion makes the present command a question, for whose answer the connection waits.
func (r *reactor) makeQuestion(c *conn) *question {
	r.questions++
	c.asked++
	q := &question{
		conn: c.id, who: c.who, tag: makeTag(r.cmd.Tag), resp3: c.resp3, from: c.sock.Remote(),
		ref: table.WaiterRefOf(0, noWaiter, r.questions), cmd: copyOfLook(r.cmd),
	}
	if q.tag.n > 0 {
		q.ticket = c.waits.nextTicket()
		c.waits.add(r.cmd.Tag, q.ref)
	} else {
		c.pending.waiting, c.pending.form, c.pending.ref = true, r.cmd.Form, q.ref
	}
	return q
}

// copyOfLook copies what a command of operators has. Other fields hold leftovers, whose memory may
// be in use elsewhere by now.
func copyOfLook(cmd *codec.Command) codec.Command {
	c := codec.Command{Verb: cmd.Verb, Form: cmd.Form, Opts: cmd.Opts, Limit: cmd.Limit, By: cmd.By, Number: cmd.Number}
	switch cmd.Verb {
	case codec.VerbForceRelease:
		c.Name, c.Token = bytes.Clone(cmd.Name), cmd.Token
	case codec.VerbWaiters:
		c.Name = bytes.Clone(cmd.Name)
	case codec.VerbOwner:
		c.Service = bytes.Clone(cmd.Service)
	}
	if cmd.Has(codec.OptCursor | codec.OptReason) {
		c.Text = bytes.Clone(cmd.Text)
	}
	return c
}

// noWaiter is the index of a WaiterRef that names no request: Cancel of it does nothing.
const noWaiter = ^uint32(0)

// isQuestion reports whether a wait is one for the answer to a question.
func isQuestion(ref table.WaiterRef) bool {
	_, index, _ := ref.Numbers()
	return index == noWaiter
}

// inBackground runs work in a goroutine "question". A simulation has none, and takes it as a step.
func (e *Engine) inBackground(work func(context.Context)) {
	if len(e.ports) == 0 {
		e.steps = append(e.steps, func() { work(e.runCtx) })
		return
	}
	e.background(work)
}

// answer makes the answer to a question.
func (e *Engine) answer(ctx context.Context, q *question) *answered {
	ctx, cancel := context.WithTimeout(ctx, questionMax)
	defer cancel()
	a := &answered{conn: q.conn, ticket: q.ticket, ref: q.ref, verb: q.cmd.Verb}
	w := &codec.Writer{RESP3: q.resp3}
	w.Start(q.cmd.Form, q.tag.text())
	limit := listDefault
	if q.cmd.Has(codec.OptLimit) {
		limit = q.cmd.Limit
	}
	switch q.cmd.Verb {
	case codec.VerbTop:
		writeTop(w, e.observer.Top(ctx, observe.Order(strings.ToLower(q.cmd.By.String())), limit, &q.who))
	case codec.VerbWaiters:
		a.code = e.answerWaiters(ctx, w, q, limit)
	case codec.VerbOwner:
		a.code = e.answerOwner(ctx, w, q, limit)
	case codec.VerbDeadlocks:
		writeDeadlocks(w, e.observer.Deadlocks(ctx, &q.who))
	case codec.VerbEvents:
		since := uint64(0)
		if q.cmd.Has(codec.OptSince) {
			since = q.cmd.Number
		}
		writeEvents(w, e.observer.Events(since, limit, &q.who))
	case codec.VerbClients:
		a.code = e.answerClients(ctx, w, q, limit)
	case codec.VerbDisconnect:
		a.code = e.answerDisconnect(ctx, w, q)
	default:
		panic("BUG: no answer to " + q.cmd.Verb.String())
	}
	a.text = w.Buf
	return a
}

func (e *Engine) answerWaiters(ctx context.Context, w *codec.Writer, q *question, limit int) codec.Code {
	cursor := string(q.cmd.Text)
	if !observe.ParseWaitersCursor(cursor) {
		w.Error(codec.BadArg, foreignCursor(q.cmd.Verb))
		return codec.BadArg
	}
	p := e.observer.Waiters(q.cmd.Name, limit, cursor)
	if q.who.Role == auth.RoleAdmin {
		e.NameClients(ctx, p.Rows)
	}
	writeWaiters(w, p, q.who.Role == auth.RoleAdmin)
	return codec.OK
}

// foreignCursor are the words for a cursor that is none of that command.
func foreignCursor(verb codec.Verb) string {
	return "CURSOR is not one that " + verb.String() + " has answered: leave it out to begin anew"
}

func (e *Engine) answerOwner(ctx context.Context, w *codec.Writer, q *question, limit int) codec.Code {
	cursor := string(q.cmd.Text)
	if !observe.ParseOwnerCursor(cursor) {
		w.Error(codec.BadArg, foreignCursor(q.cmd.Verb))
		return codec.BadArg
	}
	select {
	case e.questions.scans <- struct{}{}:
		defer func() { <-e.questions.scans }()
	case <-ctx.Done():
		w.ErrorData(codec.Limit, []byte(e.limitHit(codec.WhichPending)), "too many others list locks at this moment: ask again")
		return codec.Limit
	}
	writeOwner(w, e.observer.Owner(q.cmd.Service, limit, cursor, &q.who))
	return codec.OK
}

// stillAsked reports whether the connection still waits for the answer. Any goroutine but a loop
// may call it.
func (e *Engine) stillAsked(ctx context.Context, q *question) bool {
	r, still := e.reactors[loopOf(q.conn)], false
	return r.onLoop(ctx, func() {
		c := r.lookup(q.conn)
		still = c != nil && !c.closing && c.waitsFor(q.ticket, q.ref)
	}) && still
}

// endQuestion counts one question less. It returns the connection if that still waits for the
// answer, nil if not.
func (r *reactor) endQuestion(id table.ConnID, ticket uint32, ref table.WaiterRef) *conn {
	c := r.lookup(id)
	if c == nil {
		return nil
	}
	r.markDirty(c) // its input may have ended
	if c.asked--; c.closing || !c.waitsFor(ticket, ref) {
		return nil
	}
	return c
}

// giveAnswer writes an answer to its connection, if that still waits for it.
func (r *reactor) giveAnswer(a *answered) {
	r.cost += costDeliver + len(a.text)/costBytes
	c := r.endQuestion(a.conn, a.ticket, a.ref)
	if c == nil {
		return
	}
	r.beginEndOfWait(c, a.ticket)
	r.w.Buf = append(r.w.Buf, a.text...)
	r.count(a.verb, a.code)
	r.endReply(c)
	if a.ticket == 0 {
		r.resume(c)
	}
}
