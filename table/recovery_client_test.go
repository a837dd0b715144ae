package table

import (
	"dlm/codec"
)

// recClient is one client of one service. It has one connection for each lock, with one
// request under way at most besides those that wait.
type recClient struct {
	service string
	tokens  bool // sends TOKEN
	counts  bool // sends COUNT after a restart
	dead    bool
	diedAt  int64
	books   [recLocks]recBook
}

// recBook is what a client knows about one lock.
type recBook struct {
	has    bool
	token  codec.Token
	count  uint32
	sure   bool  // count is right by the client's own book
	agree  bool  // an answer on the present connection has shown token and count
	until  int64 // the client is certain of its hold up to then
	forced bool  // an admin has ended the hold; the client does not know
	// the lease on the server is shorter than the client's: its image is older, or a claim came
	// with a shorter TTL
	short   bool
	leaving bool // a RELEASE is under way that may end it
	imaged  bool // the image knows the hold
	ends    int  // recWorld.ends at the start
	revive  bool // only COUNT brings the hold back
	busy    bool // a request is under way or waits
	lost    bool // an ACQUIRE was not answered: something may be held
	waits   bool
	wait    WaiterRef
}

// certain reports whether the client may use what the lock guards.
func (b *recBook) certain(now int64) bool { return b.has && !b.leaving && now < b.until }

// recMsg is a request that was sent.
type recMsg struct {
	client, lock int
	cmd          codec.Command
	sent, due    int64
	dropped      bool // its answer is lost
	ticket       uint32
}

// act lets a client do something about a lock.
func (w *recWorld) act(c, lock int) {
	client := &w.clients[c]
	b := &client.books[lock]
	if client.dead || b.busy {
		return
	}
	if b.has && w.now >= b.until && !b.agree {
		*b = recBook{} // a client never claims past its deadline
	}
	m := &recMsg{client: c, lock: lock, cmd: codec.Command{Name: w.names[lock], Service: []byte(client.service)}}
	switch n := w.rng.IntN(10); {
	case b.lost && !b.has && n < 4: // it releases what it may hold
		m.cmd.Verb = codec.VerbRelease
	case !b.has || n == 0:
		if w.now >= b.until {
			b.has = false
		}
		m.cmd.Verb = codec.VerbAcquire
		m.cmd.WaitMs = []uint32{0, 0, 400, 3000, 9000}[w.rng.IntN(5)]
		if w.rng.IntN(4) == 0 {
			m.cmd.Opts |= codec.OptFresh
		}
		w.addTTL(m, 3)
	case n < 4:
		m.cmd.Verb = codec.VerbRelease
		w.addToken(m, b, 2)
		if w.rng.IntN(4) == 0 {
			m.cmd.Opts |= codec.OptAll
		}
		b.leaving = b.count <= 1 || !b.agree || m.cmd.Has(codec.OptAll)
	default:
		m.cmd.Verb = codec.VerbHeartbeat
		w.addToken(m, b, 1)
		w.addTTL(m, 3)
		if client.counts && m.cmd.Has(codec.OptToken) && !b.agree && (b.revive || b.sure && w.rng.IntN(8) > 0) {
			m.cmd.Opts |= codec.OptCount
			m.cmd.Count = b.count
		}
	}
	w.send(m)
}

func (w *recWorld) addTTL(m *recMsg, oneIn int) {
	if w.rng.IntN(oneIn) == 0 {
		m.cmd.Opts |= codec.OptTTL
		m.cmd.TTLMs = min([]uint32{300, 1000, 2000, recTTLMax}[w.rng.IntN(4)], w.ttlMax)
	}
}

func (w *recWorld) addToken(m *recMsg, b *recBook, oneIn int) {
	if w.clients[m.client].tokens && (!b.agree || w.rng.IntN(oneIn) == 0) {
		m.cmd.Opts |= codec.OptToken
		m.cmd.Token = b.token
	}
}

func (w *recWorld) send(m *recMsg) {
	m.sent, m.due = w.now, w.now
	if w.rng.IntN(3) == 0 {
		m.due += int64(w.rng.IntN(150)) * nsPerMs
	}
	m.dropped = w.rng.IntN(12) == 0
	w.clients[m.client].books[m.lock].busy = true
	w.sent = append(w.sent, m)
	w.deliver()
}

// deliver executes what has reached the server.
func (w *recWorld) deliver() {
	for at := 0; at < len(w.sent) && w.violation == ""; {
		m := w.sent[at]
		if m.due > w.now {
			at++
			continue
		}
		w.sent = append(w.sent[:at:at], w.sent[at+1:]...)
		w.execute(m)
	}
}

func (w *recWorld) execute(m *recMsg) {
	client := &w.clients[m.client]
	b := &client.books[m.lock]
	if client.dead {
		return
	}
	if w.down {
		w.noAnswer(m, b)
		return
	}
	w.ticket++
	m.ticket = w.ticket
	if m.cmd.Has(codec.OptTTL) {
		m.cmd.TTLMs = min(m.cmd.TTLMs, w.ttlMax)
	}
	must := w.mustKeep(m, b)
	r := w.apply(&m.cmd, Origin{Conn: ConnID(m.client), Ticket: m.ticket})
	w.logf("%s %s%s -> %s", client.service, verbNames[m.cmd.Verb], w.args(m), w.result(&r, m.dropped))
	w.checkAnswer(m, &r, must)
	switch {
	case r.Waiting:
		b.waits, b.wait = true, r.Waiter
		w.waiting[m.ticket] = m
	case m.dropped:
		w.noAnswer(m, b)
	default:
		w.answer(m, b, &r)
	}
	w.effects()
	w.checkOverlap()
}

// effects delivers the ends of waits.
func (w *recWorld) effects() {
	for _, e := range w.fx.List {
		m := w.waiting[e.To.Ticket]
		if m == nil {
			continue
		}
		delete(w.waiting, e.To.Ticket)
		b := &w.clients[m.client].books[m.lock]
		b.waits = false
		r := Result{Code: e.Code, Count: e.Count, LeaseMs: e.LeaseMs, Token: e.Hold.Token}
		w.logf("%s wait%s -> %s", w.clients[m.client].service, w.args(m), w.result(&r, m.dropped))
		if m.dropped {
			w.noAnswer(m, b)
		} else {
			w.answer(m, b, &r)
		}
	}
	w.fx.List = w.fx.List[:0]
	w.checkOverlap()
}

// noAnswer is called for a request that may have been executed.
func (w *recWorld) noAnswer(m *recMsg, b *recBook) {
	b.busy, b.waits = false, false
	switch m.cmd.Verb {
	case codec.VerbAcquire:
		b.agree, b.sure, b.lost = false, false, true
	case codec.VerbRelease:
		*b = recBook{lost: true} // it gives it up, or repeats RELEASE
	case codec.VerbHeartbeat:
		b.short = b.short || !b.agree // the request may have been a claim with a shorter TTL
	}
}

// answer is called for a request whose answer has arrived.
func (w *recWorld) answer(m *recMsg, b *recBook, r *Result) {
	b.busy, b.leaving = false, false
	if r.Code != codec.OK {
		w.refused(m, b, r)
		return
	}
	if m.cmd.Verb == codec.VerbRelease {
		w.released(m, b, r)
		return
	}
	if m.cmd.Has(codec.OptFresh) && r.Count != 1 {
		w.fail("fresh: %s has taken lock %d %d times with FRESH", w.clients[m.client].service, m.lock, r.Count)
	}
	if m.cmd.Verb == codec.VerbAcquire && b.has && b.agree && b.token == r.Token && r.Count != b.count+1 {
		w.fail("count: %s has re-entered lock %d from %d, and is told %d", w.clients[m.client].service, m.lock, b.count, r.Count)
	}
	if m.cmd.Verb == codec.VerbHeartbeat && (b.agree || m.cmd.Has(codec.OptCount)) && b.count != r.Count {
		w.fail("count: %s holds lock %d %d times, and is told %d", w.clients[m.client].service, m.lock, b.count, r.Count)
	}
	if !b.has || b.token != r.Token {
		// A client that was forced off and does not know it goes on with any hold of it in the
		// image.
		// before the answer to the grant had arrived
		forced := b.forced || w.forced[recHold{m.lock, b.token}]
		b.forced = b.has && forced && m.cmd.Verb == codec.VerbHeartbeat
		b.until = 0
		if b.forced {
			w.forced[recHold{m.lock, r.Token}] = true
		}
	}
	b.revive = b.revive && b.token == r.Token // an older image may still have it as released
	b.has, b.token, b.count, b.sure, b.agree, b.lost = true, r.Token, r.Count, true, true, false
	b.short = w.now+(r.LeaseMs+1)*nsPerMs < b.until
	if b.short {
		w.tally.ShortLeases++
	}
	b.until = max(b.until, m.sent+r.LeaseMs*nsPerMs)
}

func (w *recWorld) released(m *recMsg, b *recBook, r *Result) {
	switch {
	case m.cmd.Has(codec.OptAll):
		if r.Count > 0 {
			w.fail("count: %s has released all of lock %d, and is told %d", w.clients[m.client].service, m.lock, r.Count)
		}
		w.tally.All++
		*b = recBook{}
	case r.Count > 0:
		if b.agree && r.Count != b.count-1 {
			w.fail("count: %s has released lock %d from %d, and is told %d", w.clients[m.client].service, m.lock, b.count, r.Count)
		}
		if b.has && b.token == r.Token {
			b.count, b.agree, b.sure = r.Count, true, true
			return
		}
		*b = recBook{lost: true}
	case b.has && !b.agree && b.sure && b.count > 1 && b.token == r.Token && w.clients[m.client].counts:
		b.count-- // re-entries that the image does not have; COUNT revives the hold
		b.revive = true
		w.tally.Revivals++
	default:
		if b.agree && b.count != 1 {
			w.fail("count: %s has released lock %d from %d, and is told 0", w.clients[m.client].service, m.lock, b.count)
		}
		*b = recBook{}
	}
}

func (w *recWorld) refused(m *recMsg, b *recBook, r *Result) {
	switch {
	case r.Code == codec.AlreadyHeld:
		w.tally.AlreadyHeld++
		if b.agree && b.token != r.Token {
			w.fail("held: %s holds lock %d with token %d, and is told %d", w.clients[m.client].service, m.lock, w.rel(b.token), w.rel(r.Token))
		}
	case m.cmd.Verb == codec.VerbHeartbeat && r.Code == codec.Recovering:
	case m.cmd.Verb == codec.VerbAcquire:
		if r.Code == codec.Timeout && b.has && !b.forced { // another client has it
			*b = recBook{}
		}
	default:
		*b = recBook{}
	}
}
