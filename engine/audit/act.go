package audit

import (
	"context"
	"errors"
	"time"

	"dlm/codec"
)

// Act is what an admin has asked for, and what must not be done unrecorded. It leaves two records:
// that it was asked for, and what became of it.
//
//	Begin -> Recorded -> true: the caller does it       -> End
//	                     false: the caller refuses it   -> Refuse
type Act struct {
	Asked   Record // that it was asked for
	log     *Log
	decided chan struct{} // closed when it is known whether Asked is in the sink in time
	over    bool          // decided is closed; guarded by Log.mu
	ok      bool          // Asked is in the sink; guarded by Log.mu until decided is closed
}

// patience is how long a record may take to reach the sink. A disk that is only busy takes less.
const patience = 2 * time.Second

var errHangs = errors.New("records are not written within " + patience.String())

// Begin queues the record of an act that is asked for, and promises a place for that of its
// outcome. It returns nil if there is no room or the sink fails: the act must be refused. The
// caller calls Recorded before the act, and End or Refuse once in any case.
func (l *Log) Begin(asked Record) *Act {
	l.mu.Lock()
	defer l.wakeWriter()
	defer l.mu.Unlock()
	if l.closed || l.failure != nil || len(l.queue)+l.promised+2 > queueMax {
		return nil
	}
	asked.Outcome = Asked
	asked = l.put(asked)
	l.promised++
	a := &Act{Asked: asked, log: l, decided: make(chan struct{})}
	l.asked = append(l.asked, a)
	return a
}

// BeginRecorded is Begin and Recorded. It returns nil if the act must be refused. No loop may call
// it.
func (l *Log) BeginRecorded(ctx context.Context, asked Record) *Act {
	a := l.Begin(asked)
	if a != nil && !a.Recorded(ctx) {
		a.Refuse(codec.Limit)
		return nil
	}
	return a
}

// Recorded waits until the record of Begin is written, and returns true then. It returns false if
// the sink fails, if it takes longer than patience, or if ctx ends: the act must be refused. No
// loop may call it.
func (a *Act) Recorded(ctx context.Context) bool {
	l := a.log
	if !l.isStarted() {
		l.drain()
	}
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-a.decided:
	case <-timer.C:
		l.giveUp(a)
	case <-ctx.Done():
		l.mu.Lock()
		a.decide(false)
		l.mu.Unlock()
	}
	<-a.decided
	return a.ok
}

// Refuse records that the act was not done. The code says why.
func (a *Act) Refuse(code codec.Code) {
	outcome := a.Asked
	outcome.Outcome = code.String()
	a.End(outcome)
}

// End records the outcome of an act, which is Asked with what is known now, in the place that Begin
// has promised.
func (a *Act) End(outcome Record) {
	l := a.log
	l.mu.Lock()
	l.promised--
	outcome.At = time.Time{}
	l.put(outcome)
	l.mu.Unlock()
	l.wakeWriter()
}

// decide says whether the act is recorded, unless that is decided. The caller holds Log.mu.
func (a *Act) decide(ok bool) {
	if !a.over {
		a.over, a.ok = true, ok
		close(a.decided)
	}
}

// giveUp notes that the sink hangs, unless the act was decided meanwhile.
func (l *Log) giveUp(a *Act) {
	l.mu.Lock()
	before, hangs := l.failure, !a.over
	if hangs {
		l.fail(errHangs)
	}
	l.mu.Unlock()
	if hangs {
		l.tell(before, errHangs)
	}
}

// fail notes that the sink fails, so all acts that wait for it are refused. The caller holds mu.
func (l *Log) fail(err error) {
	l.failure = err
	for _, a := range l.asked {
		a.decide(false)
	}
	l.asked = nil
}

// wrote takes the first record, which was written, out of the queue. The caller holds mu.
func (l *Log) wrote() {
	if len(l.asked) > 0 && l.asked[0].Asked.Seq == l.queue[0].Seq {
		l.asked[0].decide(true)
		l.asked = l.asked[1:]
	}
	if l.queue = l.queue[1:]; len(l.queue) == 0 {
		l.queue, l.asked = nil, nil // the arrays are as long as the longest queue was
	}
}
