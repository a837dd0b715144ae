package bench

import (
	"strings"
	"testing"
)

// TestStreamsLeaveNoLockBehind executes streams against a map of locks, up to
// every place where a connection may stop.
func TestStreamsLeaveNoLockBehind(t *testing.T) {
	for _, depth := range []int{1, 2, 3, 7, 16, 64} {
		for _, c := range []Config{{Workload: Pair}, {Workload: Pair, Apart: true}, {Workload: Zipf}} {
			c.Server, c.Conns, c.Locks = "x", 3, 100
			c.EnsureDefaults()
			for conn := range c.Conns {
				checkStream(t, newStreamMaker(&c, depth).make(conn), depth, serviceOf(conn))
			}
		}
	}
}

func checkStream(t *testing.T, s *stream, depth int, service string) {
	t.Helper()
	held, total := map[string]int{}, 0
	for i := range s.ends {
		if i%s.period == 0 && total != 0 {
			t.Fatalf("depth %d: %d locks held before batch %d", depth, total, i)
		}
		lines := strings.Split(strings.TrimSuffix(string(s.batch(i)), "\n"), "\n")
		if len(lines) != depth || s.wants[i].count != depth {
			t.Fatalf("depth %d: a batch of %d", depth, len(lines))
		}
		for _, line := range lines {
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
	if total != 0 || len(s.ends)%s.period != 0 {
		t.Fatalf("depth %d: %d locks held at the end", depth, total)
	}
}

func TestConnectionsHaveLocksOfTheirOwn(t *testing.T) {
	c := Config{Server: "x", Workload: Pair, Conns: 7, Locks: 100}
	c.EnsureDefaults()
	owner := map[string]int{}
	for conn := range c.Conns {
		s := newStreamMaker(&c, 16).make(conn)
		for line := range strings.Lines(string(s.data)) {
			name := strings.Fields(line)[1]
			if other, ok := owner[name]; ok && other != conn {
				t.Fatalf("connections %d and %d both use %s", other, conn, name)
			}
			owner[name] = conn
		}
	}
	if len(owner) < 95 {
		t.Errorf("%d of 100 locks are in use", len(owner))
	}
}

func TestValidateReportsEveryProblem(t *testing.T) {
	c := Config{Workload: "pear", Form: "morse", Conns: -1, Depths: []int{0}}
	c.EnsureDefaults()
	err := c.Validate()
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{"server", "pear", "morse", "conns", "depth"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("nothing about %s in:\n%v", want, err)
		}
	}
}
