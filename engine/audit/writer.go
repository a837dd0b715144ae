package audit

import "time"

// Start starts the goroutine "audit".
func (l *Log) Start() {
	l.mu.Lock()
	l.started = true
	l.mu.Unlock()
	go l.run()
}

// run is the goroutine "audit". It writes what is queued, and counts when they are due.
func (l *Log) run() {
	defer close(l.done)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-timer.C:
		case <-l.wake:
		}
		l.takeCounts(false)
		l.drain()
		closed, sleep := l.pause()
		if closed {
			return
		}
		timer.Reset(sleep)
	}
}

// pause returns for how long the goroutine has nothing to do, and whether the audit is closed.
func (l *Log) pause() (closed bool, sleep time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.failure != nil {
		return l.closed, retry
	}
	sleep = idleMax
	for _, t := range l.tallies {
		if len(t.counts) > 0 {
			sleep = min(sleep, max(time.Until(t.due), 0))
		}
	}
	return l.closed && len(l.queue) == 0, sleep
}

// takeCounts queues the counts that are due, or all.
func (l *Log) takeCounts(all bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	for e, t := range l.tallies {
		if len(t.counts) > 0 && (all || !now.Before(t.due)) {
			for _, r := range t.take(e, now) {
				l.putOrDrop(r)
			}
		}
	}
}

// drain writes what is queued, until the sink fails. A record leaves the queue when it is written.
func (l *Log) drain() {
	l.writing.Lock()
	defer l.writing.Unlock()
	for {
		l.mu.Lock()
		reopen, wanted, record := l.reopen != nil || l.failure != nil, l.reopen, Record{}
		l.reopen = nil
		some := len(l.queue) > 0
		if some {
			record = l.queue[0]
		}
		l.mu.Unlock()
		var err error
		if reopen {
			err = l.sink.Reopen()
		}
		if err == nil && some {
			err = l.sink.Write(&record)
		}
		l.noteResult(err, some)
		if wanted != nil {
			close(wanted)
		}
		if err != nil || !some {
			return
		}
	}
}

// noteResult notes whether the sink has worked, and takes the record that it has written out of the
// queue.
func (l *Log) noteResult(err error, wrote bool) {
	l.mu.Lock()
	before := l.failure
	if err != nil {
		l.fail(err)
	} else if l.failure = nil; wrote {
		l.wrote()
	}
	l.mu.Unlock()
	l.tell(before, err)
}

// tell logs that the sink begins to fail, or ceases to.
func (l *Log) tell(before, failure error) {
	switch {
	case failure != nil && before == nil:
		l.log.Error("the audit can't be written: commands of admins are refused until it can", "event", "audit-failing", "error", failure.Error())
	case failure == nil && before != nil:
		l.log.Info("the audit is written again", "event", "audit-works")
	}
}

func (l *Log) isStarted() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.started
}

// Flush writes everything that is queued or counted, on the caller's goroutine.
func (l *Log) Flush() {
	l.takeCounts(true)
	l.drain()
}

// Close writes the rest within the given time, and ends the goroutine. It returns false if
// something was not written.
func (l *Log) Close(within time.Duration) bool {
	l.takeCounts(true)
	l.mu.Lock()
	l.closed = true
	started := l.started
	l.mu.Unlock()
	if !started {
		l.drain()
		return l.sink.Close() == nil
	}
	l.wakeWriter()
	select {
	case <-l.done:
	case <-time.After(within): // the sink hangs
		return false
	}
	l.mu.Lock()
	left := len(l.queue)
	l.mu.Unlock()
	return l.sink.Close() == nil && left == 0
}
