package main

import (
	"os/exec"
	"testing"
	"time"

	"dlm/bench"
)

// TestEveryPeerThatIsHere runs the workloads of each server for a moment. One
// that is not in PATH is skipped by its name.
func TestEveryPeerThatIsHere(t *testing.T) {
	programs := settings{redis: "redis-server", etcd: "etcd", slock: "slock"}
	for _, p := range peers(&programs) {
		for _, workload := range []string{pair, hot, renew} {
			if len(p.able(workload)) == 0 {
				continue
			}
			t.Run(p.name+" "+workload, func(t *testing.T) {
				path, err := exec.LookPath(p.program)
				if err != nil {
					t.Skipf("%s is not on this machine: %v", p.program, err)
				}
				measurePeer(t, p, path, workload)
			})
		}
	}
}

func measurePeer(t *testing.T, p peer, path, workload string) {
	s := &settings{rounds: 1, workload: workload, locks: 40, depths: []int{1, 16}}
	s.load = bench.Load{Conns: 4, Rounds: 1, Warmup: 10 * time.Millisecond, Duration: 100 * time.Millisecond}
	if workload == hot {
		s.locks, s.depths = 1, []int{1}
	}
	u := &suite{s: s, dir: t.TempDir(), given: formOf(workload)}
	defer u.stop()
	if err := u.enterPeer(t.Context(), p, path, p.able(workload)); err != nil {
		t.Fatal(err)
	}
	// A server that writes each command to a disk may answer none for a while.
	for !measured(t, u) {
		if s.load.Duration *= 2; s.load.Duration > 10*time.Second {
			t.Fatal("a server has answered nothing")
		}
	}
}

// measured reports whether all servers were measured and have answered something.
func measured(t *testing.T, u *suite) bool {
	if err := u.measure(t.Context()); err != nil {
		t.Fatal(err)
	}
	answered := true
	for _, e := range u.servers {
		cells := len(u.s.depths)
		if e.serial() {
			cells = 1
		}
		if len(e.cells) != cells {
			t.Fatalf("%s: %d cells, want %d", e.name, len(e.cells), cells)
		}
		for depth, cell := range e.cells {
			r := cell.Rounds[len(cell.Rounds)-1]
			switch {
			case r.Commands == 0 || r.Latency.Count == 0: // a hand-off needs two commands
				t.Logf("%s, depth %d: %d commands and no latency within %v", e.name, depth, r.Commands, u.s.load.Duration)
				answered = false
			case r.CPU == nil:
				t.Fatalf("%s, depth %d: %+v", e.name, depth, r)
			}
		}
	}
	return answered
}
