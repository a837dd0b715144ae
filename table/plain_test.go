package table

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"dlm/codec"
)

// runAsPlain executes a command in the way of plain ones, if it is one and of the common course. The variant
// decides on its form, on how many bytes of something else stand behind it, and whether it is
// executed as one of several.
func runAsPlain(t *Table, now int64, cmd *codec.Command, from ConnID, variant int) (r Result, ok bool) {
	words := [][]byte{nil, cmd.Name, cmd.Service}
	switch cmd.Verb {
	case codec.VerbAcquire:
		words[0] = []byte("ACQUIRE")
		words = append(words, fmt.Append(nil, cmd.WaitMs))
	case codec.VerbRelease:
		words[0] = []byte("RELEASE")
	case codec.VerbHeartbeat:
		words[0] = []byte("HEARTBEAT")
	}
	if cmd.Opts != 0 || words[0] == nil {
		return r, false
	}
	in := append(bytes.Join(words, []byte(" ")), '\n')
	if variant%2 == 0 {
		in = fmt.Appendf(nil, "*%d\r\n", len(words))
		for _, word := range words {
			in = fmt.Appendf(in, "$%d\r\n%s\r\n", len(word), word)
		}
	}
	var d codec.Decoder
	var b Plain
	if !d.DecodePlain(in, &b.Cmds[0]) || !bytes.Equal(b.Cmds[0].Name(in), cmd.Name) {
		return r, false
	}
	in = append(in[:len(in):len(in)], bytes.Repeat([]byte("x"), variant%100)...)[:len(in)]
	if variant%3 == 0 {
		t.Prepare(&b, in, 1, from)
		ok = t.RunPlain(now, &b, 0, 1) == 1
	} else {
		ok = t.RunSingle(now, &b, in, from)
	}
	if !ok {
		return r, false
	}
	res := &b.Results[0]
	r = Result{Token: res.Token, Count: res.Count, LeaseMs: res.LeaseMs}
	for _, hold := range b.Grants() {
		r.Fresh, r.Hold = true, hold
	}
	return r, true
}

// decodePlain decodes lines of text that are plain commands.
func decodePlain(t *testing.T, b *Plain, lines string) (in []byte, n int) {
	t.Helper()
	var d codec.Decoder
	in = []byte(lines)
	n, _ = d.DecodeBurst(in, &b.Cmds)
	if int(b.Cmds[n-1].End) != len(in) {
		t.Fatalf("%q is not plain", lines)
	}
	return in, n
}

// TestPlainCommandsStopAtOthers runs several commands, of which some are not of the common course:
// what is before them is done, and nothing behind them.
func TestPlainCommandsStopAtOthers(t *testing.T) {
	for _, c := range []struct {
		lines string
		stop  int
	}{
		{"ACQUIRE a svc 0\nACQUIRE b svc 9\nHEARTBEAT a svc\nRELEASE b svc\nRELEASE a svc\n", 5},
		{"ACQUIRE a svc 0\nACQUIRE a svc 0\nRELEASE a svc\n", 1},
		{"ACQUIRE a svc 0\nACQUIRE a other 5\nRELEASE a svc\n", 1},
		{"ACQUIRE a svc 0\nRELEASE a other\nRELEASE a svc\n", 1},
		{"ACQUIRE a svc 0\nHEARTBEAT b svc\nRELEASE a svc\n", 1},
		{"RELEASE a svc\nACQUIRE a svc 0\n", 0},
	} {
		tab := New(Config{TTLMs: 1000, LocksMax: 10})
		var b Plain
		in, n := decodePlain(t, &b, c.lines)
		tab.Prepare(&b, in, n, 1)
		if got := tab.RunPlain(5, &b, 0, n); got != c.stop {
			t.Errorf("%q: stopped at %d, want %d", c.lines, got, c.stop)
		}
		held := 1
		if c.stop == n || c.stop == 0 {
			held = 0
		}
		if got := tab.Totals().Held; got != held {
			t.Errorf("%q: %d locks held, want %d", c.lines, got, held)
		}
	}
}

// TestPlainCommandsKeepLimits fills a table: what Apply has to refuse is left to it.
func TestPlainCommandsKeepLimits(t *testing.T) {
	run := func(change func(*Table)) bool {
		tab := New(Config{TTLMs: 1000, LocksMax: 1, TokenStart: 7})
		change(tab)
		var b Plain
		in, _ := decodePlain(t, &b, "ACQUIRE a svc 0\n")
		return tab.RunSingle(5, &b, in, 1)
	}
	if !run(func(*Table) {}) {
		t.Error("a free lock was not granted")
	}
	for name, change := range map[string]func(*Table){
		"memory is full": func(tab *Table) { tab.SetMemoryLeft(0) },
		"no token left":  func(tab *Table) { tab.SetTokenCeiling(7) },
		"as many locks as may be": func(tab *Table) {
			var b Plain
			in, _ := decodePlain(t, &b, "ACQUIRE other svc 0\n")
			if !tab.RunSingle(5, &b, in, 1) {
				t.Error("the first lock was not granted")
			}
		},
	} {
		if run(change) {
			t.Errorf("%s: granted", name)
		}
	}
}

// TestPlainCommandsFreeTheirStrings uses names and services of all lengths up to and beyond those for which a record has room.
func TestPlainCommandsFreeTheirStrings(t *testing.T) {
	for name := 1; name <= textLen+8; name++ {
		for service := 1; service <= textLen+8; service++ {
			tab := New(Config{TTLMs: 1000, LocksMax: 10})
			words := strings.Repeat("n", name) + " " + strings.Repeat("s", service)
			var b Plain
			in, n := decodePlain(t, &b, fmt.Sprintf("ACQUIRE %[1]s 0\nHEARTBEAT %[1]s\nRELEASE %[1]s\n", words))
			tab.Prepare(&b, in, n, 1)
			if got := tab.RunPlain(5, &b, 0, n); got != n {
				t.Fatalf("name of %d, service of %d bytes: stopped at %d", name, service, got)
			}
			if sum := tab.Totals(); sum.BytesUsed != 0 || sum.Held != 0 || sum.Grants != sum.Releases {
				t.Fatalf("name of %d, service of %d bytes: %+v is left", name, service, sum)
			}
		}
	}
}

// TestPlainCommandsMeetOthers holds that a lock which a general command has taken, in a record that had a longer name before, is
// of the common course.
func TestPlainCommandsMeetOthers(t *testing.T) {
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
		var b Plain
		in, _ := decodePlain(t, &b, "HEARTBEAT "+name+" svc\n")
		if !tab.RunSingle(5, &b, in, 1) {
			t.Errorf("name of %d bytes: not renewed", n)
		}
	}
}

// TestHeldBy compares commands with the record that one of them has filled, where nothing but a length differs, too.
func TestHeldBy(t *testing.T) {
	long := strings.Repeat("l", 30)
	words := []string{"a", "a\x00", "a\x00\x00", "aaaaaaaa", "aaaaaaaa\x00", "b", long, long + "\x00", long + long}
	command := func(name, service string) (p codec.Plain, in []byte) {
		in = fmt.Appendf(nil, "*3\r\n$7\r\nRELEASE\r\n$%d\r\n%s\r\n$%d\r\n%s\r\n", len(name), name, len(service), service)
		if d := new(codec.Decoder); !d.DecodePlain(in, &p) {
			t.Fatalf("%q is not plain", in)
		}
		return p, in
	}
	s := New(Config{LocksMax: 1, WaitersMax: 1}).ShardAt(0)
	for _, name := range words {
		for _, service := range words {
			var l lock
			if p, _ := command(name, service); p.Short {
				l.setText(&p)
			} else {
				s.setName(&l, []byte(name))
				s.setService(&l, []byte(service))
			}
			for _, otherName := range words {
				for _, otherService := range words {
					p, in := command(otherName, otherService)
					if got, want := s.heldBy(&l, &p, in), name == otherName && service == otherService; got != want {
						t.Errorf("lock %q of %q, command for %q of %q: %v", name, service, otherName, otherService, got)
					}
				}
			}
		}
	}
}

// TestPlainCommandsEndWithTheLease holds that a lease which ends now has ended, also for its holder.
func TestPlainCommandsEndWithTheLease(t *testing.T) {
	tab := New(Config{TTLMs: 1000, LocksMax: 10})
	var b Plain
	run := func(now int64, line string) bool {
		in, _ := decodePlain(t, &b, line)
		return tab.RunSingle(now, &b, in, 1)
	}
	for i, name := range []string{"a", "b"} {
		if !run(5, "ACQUIRE "+name+" svc 0\n") || len(b.Grants()) != 1 {
			t.Fatalf("lock %d: %d grants", i, len(b.Grants()))
		}
	}
	const end = 5 + 1000*nsPerMs
	if run(end, "HEARTBEAT a svc\n") || run(end, "RELEASE b svc\n") || len(b.Grants()) != 0 {
		t.Error("the lease has ended")
	}
}

// TestSameHalf compares texts of all lengths, with the same and other bytes behind them.
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
