package bench

import (
	"slices"
	"strings"
	"testing"

	"dlm/codec"
)

// planOf returns the plan that a workload asks of the generator.
func planOf(t *testing.T, w Workload) *plan {
	t.Helper()
	w.EnsureDefaults()
	switch w := w.(type) {
	case *Pair:
		return w.plan()
	case *Cycle:
		return w.plan()
	}
	t.Fatalf("%T has no plan", w)
	return nil
}

// streamOf returns the batches of a connection.
func streamOf(r *run, p *plan, depth, conn int) []*batch {
	return newEncoder(r.load, p).stream(conn, depth)
}

func testRun(conns, nameLen int) *run {
	load := &Load{Server: "x", Conns: conns, NameLen: nameLen}
	load.EnsureDefaults()
	return &run{load: load}
}

// TestStreamsLeaveNoLockHeld executes streams against a map of locks, up to every place where a
// connection may stop.
func TestStreamsLeaveNoLockHeld(t *testing.T) {
	r := testRun(3, 0)
	for _, depth := range []int{1, 2, 3, 7, 16, 64} {
		for name, w := range map[string]Workload{
			"pair": &Pair{Locks: 100}, "apart": &Pair{Locks: 100, Apart: true}, "cycle": &Cycle{Locks: 100},
			"with tags": &Pair{Locks: 100, Options: Options{Tags: true}},
		} {
			p := planOf(t, w)
			for conn := range r.load.Conns {
				checkStream(t, name, streamOf(r, p, depth, conn), depth, len(p.verbs), serviceOf(conn))
			}
		}
	}
}

func checkStream(t *testing.T, name string, batches []*batch, depth, period int, service string) {
	t.Helper()
	held, total := map[string]int{}, 0
	for i, b := range batches {
		if i%period == 0 && total != 0 {
			t.Fatalf("%s, depth %d: %d locks held before batch %d", name, depth, total, i)
		}
		lines := strings.Split(strings.TrimSuffix(string(b.data), "\n"), "\n")
		if len(lines) != depth || len(b.wants) != depth || len(b.locks) != depth {
			t.Fatalf("%s, depth %d: %d commands, %d replies", name, depth, len(lines), len(b.wants))
		}
		for _, line := range lines {
			if line[0] == '@' {
				_, line, _ = strings.Cut(line, " ")
			}
			words := strings.Fields(line)
			if len(words[1]) != 20 || words[2] != service {
				t.Fatalf("unexpected: %s", line)
			}
			change := map[string]int{"ACQUIRE": 1, "RELEASE": -1}[words[0]]
			if held[words[1]] += change; held[words[1]] < 0 {
				t.Fatalf("released and not held: %s", line)
			}
			total += change
		}
	}
	if total != 0 || len(batches)%period != 0 {
		t.Fatalf("%s, depth %d: %d locks held at the end", name, depth, total)
	}
}

func TestConnectionsHaveLocksOfTheirOwn(t *testing.T) {
	r, p := testRun(7, 0), planOf(t, &Pair{Locks: 100})
	owner := map[int]int{}
	for conn := range r.load.Conns {
		for _, b := range streamOf(r, p, 16, conn) {
			for _, lock := range b.locks {
				if other, ok := owner[lock]; ok && other != conn {
					t.Fatalf("connections %d and %d both use lock %d", other, conn, lock)
				}
				owner[lock] = conn
			}
		}
	}
	if len(owner) < 95 {
		t.Errorf("%d of 100 locks are in use", len(owner))
	}
}

// TestClientsCommandsAreEncodedWhole checks that the options of a run are in each command.
func TestClientsCommandsAreEncodedWhole(t *testing.T) {
	name := "bench:" + strings.Repeat("0", 34)
	for _, c := range []struct {
		name string
		w    Workload
		want []string // of one lock at depth 2, batch by batch
		ok   string
	}{
		{"a pair with a TTL and tags", &Pair{Locks: 1, Options: Options{TTL: 20e9, Tags: true}},
			[]string{"@0 ACQUIRE " + name + " svc0 0 TTL 20000\n@1 RELEASE " + name + " svc0\n"}, "@1 OK\n"},
		{"a cycle whose tokens come", &Cycle{Locks: 1, Fence: true, Options: Options{TTL: 1e9}}, []string{
			strings.Repeat("ACQUIRE "+name+" svc0 0 TTL 1000\n", 2),
			strings.Repeat("HEARTBEAT "+name+" svc0 TOKEN 1000000000000000 TTL 1000\n", 2),
			strings.Repeat("RELEASE "+name+" svc0 TOKEN 1000000000000000\n", 2),
		}, "OK token=# count=# lease_ms=#\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			batches := streamOf(testRun(1, 40), planOf(t, c.w), 2, 0)
			for i, want := range c.want {
				if got := string(batches[i].data); got != want {
					t.Errorf("batch %d is %q, want %q", i, got, want)
				}
				if got := batches[i].wants[1].Text; got != c.ok {
					t.Errorf("the answer is %q, want %q", got, c.ok)
				}
			}
		})
	}
}

func TestTokensAreWrittenIntoNextBatches(t *testing.T) {
	for _, form := range []string{Text, RESP} {
		p := planOf(t, &Cycle{Stream: Stream{Form: form}, Locks: 9, Fence: true})
		batches := streamOf(testRun(1, 0), p, 3, 0)
		c := &streamConn{batches: batches}
		for reply, token := range []uint64{1234567890123456, 1234567890123457, 1234567890123458} {
			if err := p.showToken(c, reply, token); err != nil {
				t.Fatal(err)
			}
		}
		for _, b := range batches[1:3] {
			in := b.data
			for i := range 3 {
				var d codec.Decoder
				var cmd codec.Command
				n, st := d.Decode(in, &cmd)
				if st != codec.Ready || cmd.Token != codec.Token(1234567890123456+i) {
					t.Fatalf("command %d shows %d (%v)", i, cmd.Token, st)
				}
				in = in[n:]
			}
		}
		if err := p.showToken(c, 0, 99); err == nil {
			t.Error("a token of two digits has found place")
		}
		c.at = 1
		if err := p.showToken(c, 0, 99); err != nil {
			t.Errorf("the reply to a HEARTBEAT: %v", err)
		}
	}
}

// TestStreamsAreLongEnough checks that the draws of a stream do not repeat after a few batches.
func TestStreamsAreLongEnough(t *testing.T) {
	r, p := testRun(50, 0), planOf(t, &Pair{Locks: 10_000})
	for _, depth := range []int{1, 64, 256} {
		n := 0
		for _, b := range streamOf(r, p, depth, 0) {
			n += len(b.locks)
		}
		if n < streamCommandsMin-2*depth || n > 2*streamCommandsMin {
			t.Errorf("depth %d: %d commands", depth, n)
		}
	}
}

func TestValidateReportsEveryProblem(t *testing.T) {
	load := &Load{Conns: -1, Rounds: -1, NameLen: 9, Held: -5, Duration: -1}
	load.EnsureDefaults()
	paced := Paced{Stream: Stream{Form: "morse", Depths: []int{0}, Threads: 65}, Rates: []int{-1}}
	for _, c := range []struct {
		w     Workload
		wants []string
	}{
		{&Pair{Paced: paced, Locks: -1, Options: Options{TTL: 1}}, []string{"server", "conns", "rounds", "name-len", "held",
			"duration", "prefix", "morse", "depth", "threads", "rate", "locks", "ttl"}},
		{&Pair{Paced: Paced{Stream: Stream{Form: RESP}}, Options: Options{Tags: true}}, []string{"tags"}},
		{&Renew{Paced: paced}, []string{"morse", "rate"}},
		{&Cycle{Stream: paced.Stream, Locks: -1}, []string{"morse", "locks"}},
		{&Ping{paced}, []string{"morse"}},
		{&Hot{Form: "morse", Locks: -1, TTL: 1}, []string{"morse", "locks", "ttl"}},
		{&Waiters{Waiters: waitersMax + 1}, []string{"waiters"}},
	} {
		c.w.EnsureDefaults()
		err := Validate(load, c.w)
		if err == nil {
			t.Fatalf("%T: no error", c.w)
		}
		for _, want := range c.wants {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%T: nothing about %s in:\n%v", c.w, want, err)
			}
		}
	}
}

func TestDefaultsAreValid(t *testing.T) {
	load := &Load{Server: "x"}
	load.EnsureDefaults()
	for _, w := range []Workload{&Pair{}, &Renew{}, &Cycle{}, &Ping{}, &Hot{}, &Waiters{}, &Churn{}} {
		w.EnsureDefaults()
		if err := Validate(load, w); err != nil {
			t.Errorf("%s: %v", w.Name(), err)
		}
	}
}

func TestNamesHaveLengthThatWasAskedFor(t *testing.T) {
	for _, n := range []int{15, 20, 40, 1024} {
		r := testRun(1, n)
		for _, lock := range []int{0, 7, locksMax, heldBase + heldMax} {
			if name := r.load.nameOf(lock); len(name) != n {
				t.Errorf("lock %d: %q has %d bytes, want %d", lock, name, len(name), n)
			}
		}
	}
	if r := testRun(1, 20); slices.Contains([]string{r.load.nameOf(1), r.load.nameOf(100)}, r.load.nameOf(10)) {
		t.Error("two locks have one name")
	}
}
