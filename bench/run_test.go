package bench

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"dlm/codec"
)

// runFake runs a workload against a fake server, until each round has seen a command.
func runFake(t *testing.T, f *fakeServer, load Load, w Workload) *Report {
	t.Helper()
	load.Server, load.Rounds, load.Warmup = f.addr, 2, time.Millisecond
	if load.Conns == 0 {
		load.Conns = 4
	}
	for load.Duration = 10 * time.Millisecond; ; load.Duration *= 4 {
		report, err := Run(t.Context(), load, w)
		if err != nil {
			t.Fatal(err)
		}
		if !hasIdleRound(report) {
			return report
		}
		if load.Duration > 10*time.Second {
			t.Fatal("no command was answered")
		}
	}
}

func hasIdleRound(report *Report) bool {
	for _, c := range report.Cells {
		for _, r := range c.Rounds {
			if r.Commands == 0 || r.Latency.Count == 0 {
				return true
			}
		}
	}
	return false
}

// TestRunOfEachWorkload checks that the commands of a report were executed, that the right ones
// showed their tokens, and that no lock is left.
func TestRunOfEachWorkload(t *testing.T) {
	clients := Options{TTL: time.Second, Tags: true}
	for _, c := range []struct {
		name  string
		w     Workload
		load  Load
		cells int
		verbs []codec.Verb // of the commands that are counted
		fence bool
	}{
		{"pair", &Pair{Paced: Paced{Stream: Stream{Depths: []int{1, 7}}}, Locks: 20}, Load{}, 2,
			[]codec.Verb{codec.VerbAcquire, codec.VerbRelease}, false},
		{"pair at a rate on two threads", &Pair{Paced: Paced{Stream: Stream{Threads: 2}, Rates: []int{1e5}}, Locks: 20}, Load{}, 1,
			[]codec.Verb{codec.VerbAcquire, codec.VerbRelease}, false},
		{"pair in RESP beside held locks", &Pair{Paced: Paced{Stream: Stream{Form: RESP}}, Locks: 20}, Load{Held: 3000}, 1,
			[]codec.Verb{codec.VerbAcquire, codec.VerbRelease}, false},
		{"renew", &Renew{Options: clients, Locks: 20, Fence: true}, Load{}, 1, []codec.Verb{codec.VerbHeartbeat}, true},
		{"cycle", &Cycle{Options: clients, Locks: 20, Fence: true}, Load{}, 1,
			[]codec.Verb{codec.VerbAcquire, codec.VerbHeartbeat, codec.VerbRelease}, true},
		{"cycle in RESP", &Cycle{Stream: Stream{Form: RESP, Depths: []int{3}}, Locks: 20, Fence: true}, Load{}, 1,
			[]codec.Verb{codec.VerbAcquire, codec.VerbHeartbeat, codec.VerbRelease}, true},
		{"ping in RESP", &Ping{Paced{Stream: Stream{Form: RESP}}}, Load{}, 1, []codec.Verb{codec.VerbPing}, false},
		{"hot", &Hot{Locks: 2, TTL: time.Second, Fence: true}, Load{}, 2,
			[]codec.Verb{codec.VerbAcquire, codec.VerbRelease}, true},
		{"hot in RESP", &Hot{Form: RESP, Locks: 1, Fence: true}, Load{}, 2,
			[]codec.Verb{codec.VerbAcquire, codec.VerbRelease}, true},
		{"churn", &Churn{}, Load{}, 1, []codec.Verb{codec.VerbRelease}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := startFake(t)
			report := runFake(t, f, c.load, c.w)
			f.checkIdle(t)
			if len(report.Cells) != c.cells {
				t.Fatalf("%d cells, want %d", len(report.Cells), c.cells)
			}
			executed, counted := 0, int64(0)
			seen, tokens, _ := f.seen()
			for _, v := range c.verbs {
				executed += seen[v]
			}
			for _, cell := range report.Cells {
				if cell.Workload != c.w.Name() {
					continue // the PING beside a hand-off
				}
				for _, r := range cell.Rounds {
					counted += r.Commands
					if r.Latency.Max < r.Latency.P50 {
						t.Errorf("latencies %+v of %d commands", r.Latency, r.Commands)
					}
				}
			}
			if counted > int64(executed) {
				t.Errorf("%d commands are reported, %d were executed", counted, executed)
			}
			if (tokens > 0) != c.fence {
				t.Errorf("%d commands showed a token", tokens)
			}
		})
	}
}

// TestFencedCommandsAllShowTheirToken counts the commands that must, and those that did.
func TestFencedCommandsAllShowTheirToken(t *testing.T) {
	f := startFake(t)
	runFake(t, f, Load{}, &Cycle{Locks: 20, Fence: true, Options: Options{TTL: time.Second}})
	seen, tokens, ttls := f.seen()
	if want := seen[codec.VerbHeartbeat] + seen[codec.VerbRelease]; tokens != want {
		t.Errorf("%d of %d commands showed the token of their grant", tokens, want)
	}
	if want := seen[codec.VerbAcquire] + seen[codec.VerbHeartbeat]; ttls != want {
		t.Errorf("%d of %d commands had a TTL", ttls, want)
	}
}

// TestAllocationsAreThoseOfServer has a server that counts its objects.
func TestAllocationsAreThoseOfServer(t *testing.T) {
	report := runFake(t, startFake(t), Load{}, &Pair{Locks: 20})
	for _, r := range report.Cells[0].Rounds {
		if r.Allocs == nil || *r.Allocs <= 0 {
			t.Errorf("got %v, want allocations", r.Allocs)
		}
	}
}

func TestQueueIsFilledAndEmptied(t *testing.T) {
	f := startFake(t)
	q := newQueue(queueRun(t, f, 3), 200)
	defer q.close()
	for range 2 {
		if err := q.r.t.WantOK("ACQUIRE " + q.lock + " holder 0"); err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(q.drop(), q.handOff()); err != nil {
			t.Fatal(err)
		}
		f.checkIdle(t)
	}
	for _, step := range []string{stepEnqueue, stepDrop, stepHandOff} {
		if rounds := q.cells[step].Rounds; len(rounds) != 2 || rounds[1].Commands != 200 {
			t.Errorf("%s: %+v", step, rounds)
		}
	}
	if got := q.cells[stepHandOff].Rounds[1].Latency.Count; got != 200 {
		t.Errorf("%d hand-offs have a latency", got)
	}
}

// queueRun returns a run with a target.
func queueRun(t *testing.T, f *fakeServer, conns int) *run {
	t.Helper()
	load := &Load{Server: f.addr, Conns: conns}
	load.EnsureDefaults()
	target, err := openTarget(load)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(target.close)
	return &run{load: load, name: "waiters", t: target, report: newReport(load, "waiters")}
}

// TestEarlyTimeOutFailsRun has a server that answers waiters as soon as they come.
func TestEarlyTimeOutFailsRun(t *testing.T) {
	f := startFake(t)
	f.spoil = func(v codec.Verb) string {
		if v == codec.VerbAcquire {
			return "@0 ERROR TIMEOUT \"x\" 0\n"
		}
		return ""
	}
	q := newQueue(queueRun(t, f, 1), 1)
	defer q.close()
	if err := q.open(); err != nil {
		t.Fatal(err)
	}
	if err := q.fill(func(int) int { return firstTimeOutMs }); !errors.Is(err, ErrWrongReply) {
		t.Errorf("got %v, want %v", err, ErrWrongReply)
	}
}

// TestWrongReplyFailsRun has each workload answered wrongly, once by an error and once by
// silence that ends with the connection.
func TestWrongReplyFailsRun(t *testing.T) {
	for _, w := range []Workload{&Pair{}, &Renew{}, &Cycle{}, &Hot{}, &Churn{}, &Waiters{}} {
		f := startFake(t)
		f.spoil = func(v codec.Verb) string {
			if v == codec.VerbAcquire {
				return "ERROR INTERNAL bad day\n"
			}
			return ""
		}
		_, err := Run(t.Context(), Load{Server: f.addr, Conns: 2, Warmup: time.Millisecond, Duration: time.Millisecond, Rounds: 1}, w)
		if !errors.Is(err, ErrWrongReply) || !strings.Contains(err.Error(), "bad day") || !strings.HasPrefix(err.Error(), w.Name()) {
			t.Errorf("%s: got %v, want %v", w.Name(), err, ErrWrongReply)
		}
	}
}

func TestInterruptedRunReleasesItsLocks(t *testing.T) {
	f := startFake(t)
	ctx, stop := context.WithCancel(t.Context())
	load := Load{Server: f.addr, Conns: 4, Held: 1000, Duration: time.Hour}
	load.Progress = func(line string) {
		if strings.Contains(line, "round") {
			stop()
		}
	}
	load.Warmup = time.Millisecond
	if _, err := Run(ctx, load, &Renew{Locks: 20}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	f.checkIdle(t)
}

func TestRunWithoutServer(t *testing.T) {
	if _, err := Run(t.Context(), Load{Server: "127.0.0.1:1"}, &Pair{}); err == nil {
		t.Error("no error")
	}
	if _, err := Run(t.Context(), Load{}, &Pair{}); err == nil || !strings.Contains(err.Error(), "no address") {
		t.Errorf("got %v", err)
	}
}
