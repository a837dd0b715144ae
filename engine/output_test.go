package engine

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"dlm/codec"
	"dlm/internal/testflag"
)

// TestGrantStandsIfAndOnlyIfItsReplyHasLeft ends connections whose peers have read to each place
// of the output, in all forms, with commands of one kind and mixed, executed in batches and one by
// one.
func TestGrantStandsIfAndOnlyIfItsReplyHasLeft(t *testing.T) {
	n := testflag.Large(20)
	for name, c := range map[string]struct {
		before  string
		command func(i int) string
		// else the first grant whose reply has not left may stand, with those of its batch
		exact bool
	}{
		"lines":       {"", func(i int) string { return fmt.Sprintf("ACQUIRE l%d me 0\n", i) }, true},
		"with fields": {"DETAIL ON\n", func(i int) string { return fmt.Sprintf("ACQUIRE l%d me 0\n", i) }, true},
		"arrays":      {"", func(i int) string { return array("ACQUIRE", fmt.Sprintf("l%d", i), "me", "0") }, true},
		"maps":        {array("HELLO", "3"), func(i int) string { return array("ACQUIRE", fmt.Sprintf("l%d", i), "me", "0") }, true},
		"with a TTL":  {"", func(i int) string { return fmt.Sprintf("ACQUIRE l%d me 0 TTL 1000\n", i) }, true},
		"tagged":      {"", func(i int) string { return fmt.Sprintf("@t ACQUIRE l%d me 0\n", i) }, true},
		"mixed": {"ACQUIRE kept me 0\n", func(i int) string {
			return fmt.Sprintf("HEARTBEAT kept me\nACQUIRE l%d me 0\nHEARTBEAT kept me\n", i)
		}, false},
		"both forms": {"", func(i int) string {
			if i%3 == 0 {
				return array("ACQUIRE", fmt.Sprintf("l%d", i), "me", "0")
			}
			return fmt.Sprintf("ACQUIRE l%d me 0\n", i)
		}, true},
	} {
		t.Run(name, func(t *testing.T) {
			var in strings.Builder
			for i := range n {
				in.WriteString(c.command(i))
			}
			for _, room := range replyEnds(t, c.before, in.String()) {
				for _, behind := range []bool{false, true} {
					s := newSim(t, nil)
					k, read := s.dial(0), ""
					k.send(c.before)
					k.reads()
					k.stuck, k.room = true, room
					if behind { // another reply, which is unread
						k.room = 0
						k.send("PING\n")
						k.send(in.String())
						k.takes(len("OK\n") + room)
						read = strings.TrimPrefix(k.reads(), "OK\n")
					} else {
						k.send(in.String())
						read = k.reads()
					}
					k.hangUp()
					checkGrants(t, s, read, c.command, c.exact || behind, n)
					s.advance(time.Minute)
					s.empty()
				}
			}
		})
	}
}

// replyEnds returns how many bytes the replies to in are up to the end of each, one less and one
// more.
func replyEnds(t *testing.T, before, in string) (ends []int) {
	s := newSim(t, nil)
	k := s.dial(0)
	k.send(before)
	k.reads()
	k.send(in)
	all := k.reads()
	for i := range len(all) + 1 {
		if n := countReplies(all[:i]); i == 0 || n > countReplies(all[:i-1]) {
			ends = append(ends, max(i-1, 0), i, i+1)
		}
	}
	return ends
}

// checkGrants compares which of the locks l0 to l<n-1> are held with what their client has read.
func checkGrants(t *testing.T, s *sim, read string, command func(int) string, exact bool, n int) {
	t.Helper()
	replies := countReplies(read)
	at, left := 0, 0 // left counts grants that stand although their reply has not left
	for i := range n {
		one := command(i)
		told := false
		for _, line := range strings.SplitAfter(strings.ReplaceAll(one, "*", "\n*"), "\n") {
			switch {
			case strings.HasPrefix(line, "*"), strings.HasPrefix(line, "ACQUIRE l"), strings.HasPrefix(line, "@"):
				told = at < replies
				at++
			case strings.HasPrefix(line, "HEARTBEAT"):
				at++
			}
		}
		held := !s.free(fmt.Sprintf("l%d", i))
		if told && !held {
			t.Fatalf("l%d was taken back although its reply has left: %q", i, read)
		}
		if held && !told {
			left++
		}
	}
	if left > 0 && exact || left >= 16 {
		t.Fatalf("%d grants stand although their replies have not left, %d bytes did: %q", left, len(read), read)
	}
}

// countReplies returns how many whole replies to ACQUIRE and HEARTBEAT there are.
func countReplies(read string) (n int) {
	for at := 0; at < len(read); n++ {
		form := codec.FormText
		if read[at] == '*' || read[at] == '%' {
			form = codec.FormRESP
		}
		var r codec.Reply
		took, st := codec.ParseReply([]byte(read[at:]), form, &r)
		if st != codec.Ready {
			return n
		}
		at += took
	}
	return n
}

func TestOutputKeepsItsOrderWhateverThereIsRoomFor(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	s := newSim(t, nil)
	a, want := s.dial(0), strings.Builder{}
	a.stuck = true
	for range 2000 {
		for range rng.IntN(20) {
			p := fmt.Sprintf("p%d", rng.IntN(1e9))
			a.send(array("ECHO", p))
			fmt.Fprintf(&want, "$%d\r\n%s\r\n", len(p), p)
		}
		if rng.IntN(10) == 0 {
			a.send(strings.Repeat(array("PING"), 5000))
			want.WriteString(strings.Repeat("+PONG\r\n", 5000))
		}
		a.takes(rng.IntN(40_000))
	}
	for a.c.backlog != nil {
		a.takes(1 << 20)
	}
	if got := a.reads(); got != want.String() {
		t.Fatalf("%d bytes have arrived, of %d, or in another order", len(got), want.Len())
	}
	a.hangUp()
	s.empty()
}

func TestExecutionPausesWhileTooMuchIsUnread(t *testing.T) {
	s := newSim(t, func(c *Config) { c.UnreadMax = 300_000 })
	a, b := s.dial(0), s.dial(1)
	a.do("ACQUIRE mine A 0 TTL 1000", "OK")
	a.stuck = true
	a.send(strings.Repeat("HELP\n", 20_000))
	if n := a.c.backlog.unread(); n < 300_000 || n > 300_000+2*spillAt {
		t.Fatalf("%d bytes are kept", n)
	}
	a.send("ACQUIRE late A 0\n@t ACQUIRE tagged A 0\nHEARTBEAT mine A TTL 60")
	a.send("00\n")
	s.advance(1500 * time.Millisecond)
	if !s.free("late") || !s.free("tagged") || s.free("mine") {
		t.Fatalf("late free %v, tagged free %v, mine free %v", s.free("late"), s.free("tagged"), s.free("mine"))
	}
	b.do("PING", "OK")
	for range 1000 {
		a.takes(100_000)
	}
	got := a.reads()
	if n := strings.Count(got, "OK lines="); n != 20_000 || !strings.HasSuffix(got, "OK\n@t OK\nOK\n") {
		t.Fatalf("%d answers, the end is %q", n, got[max(0, len(got)-100):])
	}
	a.hangUp()
	s.advance(time.Minute)
	s.empty()
}

func TestTooMuchInputWhileTooMuchIsUnread(t *testing.T) {
	s := newSim(t, func(c *Config) { c.UnreadMax, c.PendingMax = 100_000, 10_000 })
	a := s.dial(0)
	a.stuck = true
	for range 40 {
		a.send(strings.Repeat("HELP\n", 100))
		a.send(strings.Repeat("ACQUIRE x A 0\n", 100))
	}
	if !a.c.closing || a.gone {
		t.Fatalf("closing %v, gone %v", a.c.closing, a.gone)
	}
	for !a.finished {
		a.takes(1 << 20)
	}
	if got := a.reads(); !strings.HasSuffix(got, "\nERROR LIMIT pending "+tooMuchUnread+"\n") {
		t.Fatalf("the end is %q", got[max(0, len(got)-200):])
	}
}

func TestClientThatReadsNothingIsClosed(t *testing.T) {
	for name, c := range map[string]struct {
		replies int // bytes of unread replies
		reads   bool
		closed  bool
	}{
		"and has much to read":   {2 << 20, false, true},
		"but has little to read": {stallBytes / 2, false, false},
		"but now and then":       {2 << 20, true, false},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSim(t, nil)
			a := s.dial(0)
			a.stuck = true
			for a.c.backlog.unread() < c.replies {
				a.send("HELP\n")
			}
			for range 40 {
				s.advance(time.Second)
				s.sweepAll()
				if c.reads {
					a.takes(100)
				}
			}
			if a.gone != c.closed || s.e.slowClosed.Load() != map[bool]uint64{true: 1}[c.closed] {
				t.Fatalf("closed %v, counted %d", a.gone, s.e.slowClosed.Load())
			}
		})
	}
}

// TestEndOfLongPipelineHoldsNobodyUp: very many grants are taken back in parts.
func TestEndOfLongPipelineHoldsNobodyUp(t *testing.T) {
	s := newSim(t, nil)
	const n = 3 * roundMax
	a := s.dial(0)
	a.stuck = true
	var in bytes.Buffer
	for i := range n {
		fmt.Fprintf(&in, "ACQUIRE l%d A 0\n", i)
	}
	a.send(in.String())
	s.hold = true
	a.hangUp()
	if held := s.e.tab().Totals().Held; held < n/2 || held == n {
		t.Fatalf("%d of %d are held after the first part", held, n)
	}
	s.events()
	s.empty()
}

// TestLargestBacklogIsClosedAtLimitOfAll, and its unsent grants are taken back.
func TestLargestBacklogIsClosedAtLimitOfAll(t *testing.T) {
	s := newSim(t, func(c *Config) { c.BufferedMax = 2 << 20 })
	var small []*client
	for i := range 10 {
		k := s.dial(i % 2)
		k.stuck = true
		k.send(strings.Repeat("HELP\n", 20))
		small = append(small, k)
	}
	large := s.dial(0)
	large.stuck = true
	for i := 0; !large.gone; i++ {
		if i == 10_000 {
			t.Fatal("the largest was not closed")
		}
		large.send(fmt.Sprintf("ACQUIRE l%d me 0\nHELP\n", i))
		if n := s.e.buffers.total.Load(); n > 2<<20 {
			t.Fatalf("%d bytes are kept", n)
		}
	}
	if held := s.e.tab().Totals().Held; held != 0 {
		t.Fatalf("%d grants stand that never left", held)
	}
	for _, k := range small {
		if k.gone {
			t.Fatal("a smaller one was closed")
		}
	}
}

// TestGrantAfterReentriesIsTakenBack ends a connection that has read the replies of some
// re-entries, and not that of the grant after them in the same read.
func TestGrantAfterReentriesIsTakenBack(t *testing.T) {
	for _, backlog := range []bool{true, false} {
		s := newSim(t, nil)
		a := s.dial(0)
		a.send("DETAIL ON\nACQUIRE x A 0\n")
		a.reads()
		if a.stuck, a.room = true, 60; backlog {
			a.room = 0
			a.send("PING\n")
		}
		a.send(strings.Repeat("ACQUIRE x A 0\n", 8) + "ACQUIRE y A 0\n")
		if backlog {
			a.takes(120)
		}
		a.hangUp()
		if !s.free("y") {
			t.Errorf("backlog before: %v: the grant whose reply never left is still held", backlog)
		}
	}
}
