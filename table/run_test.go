package table

import (
	"fmt"
	"strings"
	"testing"

	"dlm/codec"
)

// runAsBatch executes a command as a server does: it encodes and decodes it, and calls Run. It
// returns false if the grammar does not have it. variant decides on its form, which has no tag in
// RESP and so can't tell waits apart, and on how many bytes of something else follow it in memory.
func runAsBatch(t *Table, now int64, cmd *codec.Command, from *Origin, variant int, fx *Effects) (r Result, ok bool) {
	sent := *cmd
	if sent.Form, sent.Tag = codec.FormText, []byte("t"); variant%2 == 0 && cmd.WaitMs == 0 {
		sent.Form, sent.Tag, from.Ticket = codec.FormRESP, nil, 0
	}
	in := codec.AppendCommand(nil, &sent)
	in = append(in[:len(in):len(in)], strings.Repeat("x", variant%100)...)[:len(in)]
	var d codec.Decoder
	var b Batch
	if n, _, _ := d.DecodeBatch(in, &b.Batch, 1, new(codec.Command)); n != 1 {
		return r, false
	}
	b.Ticket = from.Ticket
	t.Prepare(&b, in, 1, from.Conn)
	if t.Run(now, &b, 0, 1, fx) == 0 {
		return *fx.Result(), true
	}
	res := &b.Results[0]
	r = Result{Token: res.Token, Count: res.Count, LeaseMs: res.LeaseMs}
	for _, hold := range b.Grants() {
		r.Fresh, r.Hold = true, hold
	}
	return r, true
}

// decodeBatch decodes lines of lock commands.
func decodeBatch(t *testing.T, b *Batch, lines string) (in []byte, n int) {
	t.Helper()
	var d codec.Decoder
	in = []byte(lines)
	n, _, st := d.DecodeBatch(in, &b.Batch, codec.BatchMax, new(codec.Command))
	if st != codec.Undecoded || int(b.Cmds[n-1].End) != len(in) {
		t.Fatalf("%q is no batch", lines)
	}
	return in, n
}

// runLines executes lines of lock commands until one is not answered OK, and returns which, and
// their number.
func runLines(t *testing.T, tab *Table, now int64, b *Batch, fx *Effects, lines string) (stop, n int) {
	t.Helper()
	in, n := decodeBatch(t, b, lines)
	tab.Prepare(b, in, n, 1)
	return tab.Run(now, b, 0, n, fx), n
}

// TestRunStops runs several commands: those before the first that is not answered OK are done, that
// one has its answer, and nothing after it is done.
func TestRunStops(t *testing.T) {
	for _, c := range []struct {
		lines   string
		stop    int
		code    codec.Code
		waiting bool
	}{
		{"ACQUIRE a svc 0\nACQUIRE b svc 9\nHEARTBEAT a svc\nRELEASE b svc\nRELEASE a svc\n", 5, codec.OK, false},
		{"ACQUIRE a svc 0\nACQUIRE a svc 0 META m\nRELEASE a svc\nRELEASE a svc\n", 4, codec.OK, false},
		{"ACQUIRE a svc 0 TTL 500\nHEARTBEAT a svc TTL 1000\nRELEASE a svc ALL\n", 3, codec.OK, false},
		{"ACQUIRE a svc 0\n@t ACQUIRE a other 5\nRELEASE a svc\n", 1, codec.OK, true},
		{"ACQUIRE a svc 0\nRELEASE a other\nRELEASE a svc\n", 1, codec.NotOwner, false},
		{"ACQUIRE a svc 0\nACQUIRE a svc 0 FRESH\nRELEASE a svc\n", 1, codec.AlreadyHeld, false},
		{"ACQUIRE a svc 0\nHEARTBEAT a svc TOKEN 77\nRELEASE a svc\n", 1, codec.Stale, false},
		{"ACQUIRE a svc 0\nHEARTBEAT a svc TTL 2001\nRELEASE a svc\n", 1, codec.BadArg, false},
		{"ACQUIRE a svc 0\nHEARTBEAT b svc\nRELEASE a svc\n", 1, codec.NotHeld, false},
		{"ACQUIRE a svc 0 TTL 2001\nACQUIRE a svc 0\n", 0, codec.BadArg, false},
		{"RELEASE a svc\nACQUIRE a svc 0\n", 0, codec.NotHeld, false},
	} {
		tab := New(Config{TTLMs: 1000, LocksMax: 10, WaitersMax: 10, WaitersPerLockMax: 10})
		tab.SetTTLMax(2000)
		b, fx := Batch{Ticket: 7}, Effects{}
		stop, n := runLines(t, tab, 5, &b, &fx, c.lines)
		if stop != c.stop {
			t.Errorf("%q: stopped at %d, want %d", c.lines, stop, c.stop)
			continue
		}
		if r := fx.Result(); stop < n && (r.Code != c.code || r.Waiting != c.waiting) {
			t.Errorf("%q: answered %+v", c.lines, *r)
		}
		if acquired, released, renewed := b.Counts(); acquired+released+renewed != stop {
			t.Errorf("%q: counted %d, %d, %d", c.lines, acquired, released, renewed)
		}
		held := 1
		if stop == n || stop == 0 {
			held = 0
		}
		if got := tab.Totals().Held; got != held {
			t.Errorf("%q: %d locks held, want %d", c.lines, got, held)
		}
		if c.waiting {
			runLines(t, tab, 5, &b, &fx, "RELEASE a svc\n")
			if len(fx.List) != 1 || fx.List[0].To != (Origin{Conn: 1, Ticket: 7}) {
				t.Errorf("%q: the wait ended as %+v", c.lines, fx.List)
			}
		}
	}
}

// TestRunKeepsLimits fills a table.
func TestRunKeepsLimits(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Table)
		which  codec.Which
	}{
		"room":           {func(*Table) {}, codec.WhichNone},
		"memory is full": {func(tab *Table) { tab.SetMemoryLeft(0) }, codec.WhichMemory},
		"no token left":  {func(tab *Table) { tab.SetTokenCeiling(7) }, codec.WhichTokens},
		"as many locks as may be": {func(tab *Table) {
			runLines(t, tab, 5, &Batch{}, &Effects{}, "ACQUIRE other svc 0\n")
		}, codec.WhichLocks},
	} {
		tab := New(Config{TTLMs: 1000, LocksMax: 1, TokenStart: 7})
		c.change(tab)
		var b Batch
		var fx Effects
		stop, _ := runLines(t, tab, 5, &b, &fx, "ACQUIRE a svc 0\n")
		if r := fx.Result(); stop == 0 && (r.Code != codec.Limit || r.Which != c.which) || (stop == 1) != (c.which == codec.WhichNone) {
			t.Errorf("%s: stopped at %d, answered %+v", name, stop, *r)
		}
	}
}

// TestRunFreesStrings uses names and services of all lengths up to and beyond those for which a
// record has room.
func TestRunFreesStrings(t *testing.T) {
	for name := 1; name <= textLen+8; name++ {
		for service := 1; service <= textLen+8; service++ {
			tab := New(Config{TTLMs: 1000, LocksMax: 10})
			words := strings.Repeat("n", name) + " " + strings.Repeat("s", service)
			stop, n := runLines(t, tab, 5, &Batch{}, &Effects{}, fmt.Sprintf("ACQUIRE %[1]s 0\nHEARTBEAT %[1]s\nRELEASE %[1]s\n", words))
			if stop != n {
				t.Fatalf("name of %d, service of %d bytes: stopped at %d", name, service, stop)
			}
			if sum := tab.Totals(); sum.BytesUsed != 0 || sum.Held != 0 || sum.Grants != sum.Releases {
				t.Fatalf("name of %d, service of %d bytes: %+v is left", name, service, sum)
			}
		}
	}
}

// TestRunMeetsGeneralRules renews a lock that the general rules have granted, in a record that had
// a longer name before: runOwn must find it.
func TestRunMeetsGeneralRules(t *testing.T) {
	for n := 1; n < inlineNameMax; n++ {
		tab := New(Config{TTLMs: 1000, LocksMax: 10})
		name := strings.Repeat("n", n)
		s := tab.Shard(tab.Hash([]byte(name)))
		apply := func(verb codec.Verb, hash uint64, name string) {
			var fx Effects
			cmd := codec.Command{Verb: verb, Name: []byte(name), Service: []byte("svc")}
			s.Lock()
			defer s.Unlock()
			s.Apply(5, hash, &cmd, Origin{}, &fx)
		}
		before := strings.Repeat("y", inlineNameMax) // with a hash of the same shard
		apply(codec.VerbAcquire, tab.Hash([]byte(name))+1, before)
		apply(codec.VerbRelease, tab.Hash([]byte(name))+1, before)
		apply(codec.VerbAcquire, tab.Hash([]byte(name)), name)
		var b Batch
		in, _ := decodeBatch(t, &b, "HEARTBEAT "+name+" svc\n")
		tab.Prepare(&b, in, 1, 1)
		slot, rec := s.index.Find(uint32(b.Hash(0)), uint32(b.Hash(0)))
		s.setTime(5)
		if !s.runOwn(&b, &b.Cmds[0], &b.Results[0], slot, rec-1) {
			t.Errorf("name of %d bytes: not renewed", n)
		}
	}
}

// TestHeldBy compares commands with the record that one of them has filled, where nothing but a
// length differs, too.
func TestHeldBy(t *testing.T) {
	long := strings.Repeat("l", 30)
	words := []string{"a", "a\x00", "a\x00\x00", "aaaaaaaa", "aaaaaaaa\x00", "b", long, long + "\x00", long + long}
	command := func(name, service string) *Batch {
		b := new(Batch)
		b.in, _ = decodeBatch(t, b, fmt.Sprintf("*3\r\n$7\r\nRELEASE\r\n$%d\r\n%s\r\n$%d\r\n%s\r\n", len(name), name, len(service), service))
		return b
	}
	s := New(Config{LocksMax: 1, WaitersMax: 1}).ShardAt(0)
	for _, name := range words {
		for _, service := range words {
			var l lock
			if p := &command(name, service).Cmds[0]; p.Short() {
				l.setText(p)
			} else {
				s.setName(&l, []byte(name))
				s.setService(&l, []byte(service))
			}
			for _, otherName := range words {
				for _, otherService := range words {
					b := command(otherName, otherService)
					if got, want := s.heldBy(&l, &b.Cmds[0], b), name == otherName && service == otherService; got != want {
						t.Errorf("lock %q of %q, command for %q of %q: %v", name, service, otherName, otherService, got)
					}
				}
			}
		}
	}
}

// TestRunEndsWithLease checks that a lease which ends now has ended, also for its holder.
func TestRunEndsWithLease(t *testing.T) {
	tab := New(Config{TTLMs: 1000, LocksMax: 10})
	var b Batch
	var fx Effects
	for _, name := range []string{"a", "b"} {
		if stop, _ := runLines(t, tab, 5, &b, &fx, "ACQUIRE "+name+" svc 0\n"); stop != 1 || len(b.Grants()) != 1 {
			t.Fatalf("lock %s: %d grants", name, len(b.Grants()))
		}
	}
	const end = 5 + 1000*nsPerMs
	for _, line := range []string{"HEARTBEAT a svc\n", "RELEASE b svc\n"} {
		if stop, _ := runLines(t, tab, end, &b, &fx, line); stop != 0 || fx.Result().Code != codec.NotHeld || len(b.Grants()) != 0 {
			t.Errorf("%q: the lease has ended", line)
		}
	}
}

// TestSameHalf compares texts of all lengths, with the same and other bytes after them.
func TestSameHalf(t *testing.T) {
	word := func(n uint, fill byte) *half {
		var h half
		for i := range h {
			if h[i] = 't'; uint(i) >= n {
				h[i] = fill
			}
		}
		return &h
	}
	for n := uint(9); n <= uint(len(half{})); n++ {
		if !sameHalf(word(n, 'x'), word(n, 'y'), n) {
			t.Errorf("%d bytes: not the same", n)
		}
		for i := range n {
			other := word(n, 'x')
			if other[i] ^= 0x80; sameHalf(word(n, 'x'), other, n) {
				t.Errorf("%d bytes that differ at %d: the same", n, i)
			}
		}
	}
}

// TestNewHoldsOfRepeats runs repeats between grants. Their count is 1, and they give no new hold.
func TestNewHoldsOfRepeats(t *testing.T) {
	tab := New(Config{TTLMs: 1000, LocksMax: 10, RequestsMax: 1 << 20})
	var b Batch
	stop, n := runLines(t, tab, 5, &b, &Effects{},
		"ACQUIRE a svc 0 REQ 1\nACQUIRE a svc 0 REQ 1\nACQUIRE b svc 0 SHARED REQ 1\nACQUIRE b svc 0 SHARED REQ 1\nACQUIRE c svc 0\n")
	if stop != n || len(b.Grants()) != 3 {
		t.Fatalf("stopped at %d with %d grants", stop, len(b.Grants()))
	}
	for i, want := range []bool{true, false, true, false, true} {
		if b.NewHold(i) != want {
			t.Errorf("command %d gives a new hold: %v", i, !want)
		}
	}
}
