package engine

import (
	"fmt"
	"io"
	"strings"
	"testing"
	"time"
)

const canceledLine = "ERROR CANCELED the input of this connection has ended, which ends its waits\n"

// half sends commands, ends the stream as nc -N does, and returns everything that the server sends.
func half(t *testing.T, e *Engine, in string) string {
	t.Helper()
	conn := dialServer(t, e)
	if _, err := io.WriteString(conn, in); err != nil {
		t.Fatal(err)
	}
	if err := conn.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	all, err := io.ReadAll(conn)
	if err != nil {
		t.Fatal(err)
	}
	return string(all)
}

// TestClientThatHasEndedItsInputGetsAllAnswers ends the input of real sockets after commands of
// all kinds.
func TestClientThatHasEndedItsInputGetsAllAnswers(t *testing.T) {
	e := serve(t, func(*Config) {})
	holder := dialServer(t, e)
	if _, err := io.WriteString(holder, "ACQUIRE x H 0\n"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "x is not held", func() bool { return e.tab().Totals().Held == 1 })
	long := strings.Repeat(array("ACQUIRE", "y", "me", "0")+array("RELEASE", "y", "me"), 100_000)
	for name, c := range map[string]struct{ in, want string }{
		"a wait":                     {"ACQUIRE x me 60000\n", canceledLine},
		"a tagged wait":              {"@7 ACQUIRE x me 60000\n", "@7 " + canceledLine},
		"a wait in RESP":             {array("ACQUIRE", "x", "me", "60000"), "-" + strings.TrimPrefix(strings.Replace(canceledLine, "\n", "\r\n", 1), "ERROR ")},
		"commands behind a wait":     {"PING\nACQUIRE x me 60000\nACQUIRE z me 0\n", "OK\n" + canceledLine},
		"a wait and tags":            {"@1 ACQUIRE x me 60000\nACQUIRE x me 60000\n@2 PING\n", "@2 OK\n@1 " + canceledLine + canceledLine},
		"nothing":                    {"", ""},
		"an answer":                  {"PING\n", "OK\n"},
		"QUIT":                       {"QUIT\nPING\n", "OK\n"},
		"a command without its end":  {"PING\nPING", "OK\nERROR BADARG the input ended within a command\n"},
		"an array without its end":   {array("PING") + "*1\r\n$4\r\nPI", "+PONG\r\n-BADARG the input ended within a command\r\n"},
		"ten thousand commands":      {strings.Repeat("PING\n", 10_000), strings.Repeat("OK\n", 10_000)},
		"costly commands":            {strings.Repeat("HELP ACQUIRE\n", 5000) + "@1 PING\n", "@1 OK\n"},
		"more answers than are sent": {long + array("ECHO", "end"), "$3\r\nend\r\n"},
	} {
		t.Run(name, func(t *testing.T) {
			got := half(t, e, c.in)
			if len(c.in) > 50_000 && len(c.want) < 100 {
				if n := strings.Count(got, "lease_ms\r\n") + strings.Count(got, "OK lines="); n != 200_000 && n != 5000 || !strings.HasSuffix(got, c.want) {
					t.Fatalf("%d answers in %d bytes, the end is %q", n, len(got), got[max(0, len(got)-100):])
				}
			} else if got != c.want {
				t.Fatalf("got %q, want %q", got, c.want)
			}
		})
	}
	if _, err := io.WriteString(holder, "RELEASE x H\n"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "something is left", func() bool {
		totals := e.tab().Totals()
		return totals.Held == 0 && totals.Waiters == 0 && e.buffers.total.Load() == 0 && e.conns.Load() == 1
	})
}

// endInput is the end of the peer's stream as the loop reads it.
func (k *client) endInput() {
	k.left = true
	k.r.inputEnds(k.c)
	k.s.settle()
}

// TestRestOfInputIsExecutedBeforeEnd: the rest of a batch, commands after a withheld
// answer, and commands that wait for the peer to read.
func TestRestOfInputIsExecutedBeforeEnd(t *testing.T) {
	s := newSim(t, func(c *Config) { c.UnreadMax = 300_000 })
	a, holder := s.dial(0), s.dial(0)
	holder.do("ACQUIRE x H 0", "OK")
	s.hold = true
	a.send(strings.Repeat("INFO server\n", 300) + "@1 ACQUIRE x A 1000\nACQUIRE y A 0\nACQUIRE x A 1000\nACQUIRE z A 0\n")
	a.endInput()
	s.hold = false
	s.settle()
	got := a.reads()
	if n := strings.Count(got, "OK lines="); n != 300 || !strings.HasSuffix(got, "\nOK\n@1 "+canceledLine+canceledLine) || !s.free("z") {
		t.Fatalf("%d answers, the end is %q, z free %v", n, got[max(0, len(got)-200):], s.free("z"))
	}
	if !a.gone {
		t.Fatal("not closed")
	}

	b := s.dial(0)
	b.stuck = true
	b.send(strings.Repeat("HELP\n", 20_000))
	b.send("PING\n")
	b.endInput()
	if b.gone {
		t.Fatal("closed before its replies have left")
	}
	for range 1000 {
		b.takes(100_000)
	}
	if got := b.reads(); strings.Count(got, "OK lines=") != 20_000 || !strings.HasSuffix(got, "\nOK\n") || !b.gone {
		t.Fatalf("the end is %q, gone %v", got[max(0, len(got)-100):], b.gone)
	}
	holder.do("RELEASE x H", "OK")
	s.advance(time.Minute)
	s.empty()
}

func TestManyClientsThatEndTheirInputLeaveNoDescriptors(t *testing.T) {
	e := serve(t, func(*Config) {})
	long := strings.Repeat("HELP\n", 3000)
	for i := range 50 {
		if got := half(t, e, long+fmt.Sprintf("ACQUIRE l%d me 0\nRELEASE l%d me\n", i, i)); !strings.HasSuffix(got, "\nOK\nOK\n") {
			t.Fatalf("%q", got[max(0, len(got)-100):])
		}
	}
	eventually(t, "connections are left", func() bool { return e.conns.Load() == 0 })
}
