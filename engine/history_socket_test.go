package engine

import (
	"crypto/sha256"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"sync"
	"testing"
	"time"

	"dlm/codec"
	"dlm/internal/testflag"
	"dlm/table"
)

// TestHistoryOverSockets asks the same of a server with sockets and threads, whose connections
// break after any byte. Another run with the same seed has another order of events.
func TestHistoryOverSockets(t *testing.T) {
	seed := testflag.Seed(t)
	w := &history{sim: &sim{t: t}, did: map[string]int{}, waitUnit: 20, locks: []historyLock{
		{name: "ex", mode: exclusive}, {name: "rw", mode: shared}, {name: "sem", mode: permits},
	}}
	token := sha256.Sum256([]byte("admin"))
	e := serve(t, func(c *Config) {
		c.Tap = func(e *table.Event) { w.bySelf(e, e.Kind == table.EventDowngrade) }
		c.Lease, c.ReconnectGrace, c.AdminToken = 250*time.Millisecond, time.Second, &token
	})
	var running, leaving sync.WaitGroup
	for i := range 6 {
		a := &caller{party: w.party(i, rand.New(rand.NewPCG(seed, uint64(i)))), addr: e.Addr().String(), leaving: &leaving}
		running.Go(func() {
			for range 150 {
				a.act()
			}
			a.lose(nil)
		})
	}
	running.Wait()
	leaving.Wait()
	eventually(t, "connections are left", func() bool { return e.conns.Load() == 0 })
	w.finish()
	for _, what := range []string{"cut", "lost answer", "repeat", "ACQUIRE OK", "ACQUIRE TIMEOUT", "RELEASE OK"} {
		if w.did[what] == 0 {
			t.Errorf("no %s: the run was too tame", what)
		}
	}
	for _, lock := range w.locks {
		w.linearizable(lock.name)
	}
	t.Logf("%d operations; faults and answers: %v", len(w.ops), w.did)
}

// caller is an actor of the real server. It waits for each answer before it goes on.
type caller struct {
	*party
	addr    string
	leaving *sync.WaitGroup // for connections that were given up
	conn    *net.TCPConn    // nil: none
	up      int             // bytes that arrive before the connection breaks
	down    int             // the same of answers
	rest    string          // what was read of the next answer
}

// act sends a random command, on a new connection if there is none.
func (a *caller) act() {
	if a.conn == nil {
		a.dial()
	}
	if a.conn != nil {
		a.ask(a.choose())
	}
}

func (a *caller) dial() {
	conn, err := net.Dial("tcp", a.addr)
	if err != nil {
		a.w.t.Error(err)
		return
	}
	a.conn, a.rest = conn.(*net.TCPConn), ""
	a.conn.SetDeadline(time.Now().Add(testflag.Patience))
	a.up, a.down = 40+a.rng.IntN(2000), 40+a.rng.IntN(2000)
	for _, line := range []string{"AUTH admin\n", "DETAIL ON\n"} {
		if a.exchange(line) == nil {
			a.lose(nil)
			return
		}
	}
	for _, op := range a.afterLoss() {
		if a.conn != nil {
			a.ask(op)
		}
	}
}

// ask sends a command and waits for the answer.
func (a *caller) ask(op *operation) {
	switch a.rng.IntN(3) {
	case 0:
		op.form = codec.FormRESP
	case 1:
		op.tag = "@7"
	}
	a.w.begin(op)
	lines := a.exchange(op.sent())
	if lines == nil {
		a.w.met("lost answer")
		a.lose(op)
		return
	}
	op.ret = a.w.moment()
	op.answer(lines)
	a.answered(op)
}

// exchange sends the text and returns the lines of the answer; nil: the connection has broken.
func (a *caller) exchange(text string) []string {
	n := min(len(text), a.up)
	if a.up -= n; n > 0 {
		if _, err := a.conn.Write([]byte(text[:n])); err != nil {
			return nil
		}
	}
	if n < len(text) {
		return nil
	}
	for buf := make([]byte, 1024); ; {
		if a.rest != "" {
			if _, lines, n := cutAnswer(a.rest); n > 0 {
				a.rest = a.rest[n:]
				return lines
			}
		}
		n, err := a.conn.Read(buf[:min(len(buf), a.down)])
		if errors.Is(err, os.ErrDeadlineExceeded) {
			a.w.t.Errorf("%s has no answer to %q", a.service, text)
		}
		if n == 0 {
			return nil
		}
		a.rest += string(buf[:n])
		a.down -= n
	}
}

// lose breaks the connection: with a reset, or so that the server first executes what it was sent.
// The operation is under way until the server has closed the connection, or until the end of the
// run if nobody knows when that was.
func (a *caller) lose(op *operation) {
	conn := a.conn
	if a.conn = nil; conn == nil {
		return
	}
	a.w.met("cut")
	if a.rng.IntN(2) == 0 {
		conn.SetLinger(0)
		conn.Close()
		return
	}
	conn.CloseWrite()
	a.leaving.Go(func() {
		_, err := io.Copy(io.Discard, conn)
		if conn.Close(); err == nil && op != nil {
			op.ret = a.w.moment()
		}
	})
}
