package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"dlm/bench"
)

// benchReport runs `dlm bench` for a fraction of a second and returns its report.
func benchReport(t *testing.T, p *process, args ...string) *bench.Report {
	t.Helper()
	// A busy machine may give a round of 50 ms no time at all.
	for duration := 50 * time.Millisecond; ; duration *= 4 {
		r := benchFor(t, p, duration, args)
		if !slices.ContainsFunc(r.Cells, idle) || duration > 10*time.Second {
			return r
		}
	}
}

// idle reports whether nothing was done in some round of the cell.
func idle(c *bench.Cell) bool {
	return slices.ContainsFunc(c.Rounds, func(r bench.Round) bool { return r.Commands == 0 })
}

func benchFor(t *testing.T, p *process, duration time.Duration, args []string) *bench.Report {
	t.Helper()
	args = append([]string{"bench"}, args...)
	args = append(args, "--server", p.addr, "--warmup", "10ms", "--duration", duration.String(), "--conns", "4", "--json", "-")
	stdout, stderr, code := command(t, nil, args...)
	if code != exitOK {
		t.Fatalf("dlm %v: exit code %d\n%s", args, code, stderr)
	}
	r := &bench.Report{}
	if err := json.Unmarshal([]byte(stdout), r); err != nil {
		t.Fatalf("%v in:\n%s", err, stdout)
	}
	return r
}

// TestBenchRunsEveryWorkload checks that each workload does something, that the server counted at
// least as many commands as the report, and that no lock is left.
func TestBenchRunsEveryWorkload(t *testing.T) {
	p := startServer(t, nil)
	watcher := dial(t, p.addr)
	for _, c := range []struct {
		name  string
		args  string
		cells int
	}{
		{"pair", "pair --depth 1,7,64", 3},
		{"pair with all releases after all grants", "pair --depth 64 --apart", 1},
		{"pair with fields in the replies", "pair --form detail", 1},
		{"pair in RESP", "pair --form resp --depth 1,64", 2},
		{"pair at a rate", "pair --rate 1000,5000 --depth 1,4", 4},
		{"pair on two threads", "pair --threads 2", 1},
		{"pair as clients send", "pair --ttl 20s --tags --name-len 40", 1},
		{"pair beside held locks", "pair --held 3000", 1},
		{"renew", "renew --locks 100", 1},
		{"renew in RESP", "renew --locks 100 --form resp", 1},
		{"renew as clients send", "renew --locks 100 --ttl 20s --tags --fence", 1},
		{"cycle", "cycle --depth 1,7", 2},
		{"cycle as clients send", "cycle --ttl 20s --tags --fence", 1},
		{"cycle in RESP with tokens", "cycle --form resp --fence", 1},
		{"ping", "ping", 1},
		{"hot", "hot --locks 2", 2},
		{"hot in RESP with tokens", "hot --locks 1 --form resp --fence", 2},
		{"hot with leases and tokens", "hot --locks 1 --ttl 20s --fence", 2},
		{"churn", "churn", 1},
		{"waiters", "waiters --waiters 100 --rounds 1", 4},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := benchReport(t, p, strings.Fields(c.args)...)
			if len(r.Cells) != c.cells {
				t.Errorf("%d cells, want %d", len(r.Cells), c.cells)
			}
			for _, cell := range r.Cells {
				for _, round := range cell.Rounds {
					if round.Commands <= 0 || round.PerSecond <= 0 {
						t.Errorf("%s %s, depth %d: %+v", cell.Workload, cell.Step, cell.Depth, round)
					}
					if cell.Workload != "waiters" && round.Allocs == nil {
						t.Errorf("%s, depth %d: no allocations per command", cell.Workload, cell.Depth)
					}
				}
			}
			info := infoOf(t, watcher)
			if info["locks_held"] != "0" || info["waiters"] != "0" {
				t.Errorf("left behind: %s locks, %s waiters", info["locks_held"], info["waiters"])
			}
			if info["expiries"] != "0" {
				t.Errorf("%s leases ended by themselves", info["expiries"])
			}
		})
	}
}

// infoOf returns the section about locks.
func infoOf(t *testing.T, c *client) map[string]string {
	t.Helper()
	fields := map[string]string{}
	head := c.ask(t, "INFO locks")
	var n int
	if _, err := fmt.Sscanf(head, "OK lines=%d", &n); err != nil {
		t.Fatalf("INFO: %s", head)
	}
	for range n {
		name, value, _ := strings.Cut(c.receive(t), ":")
		fields[name] = value
	}
	return fields
}

func TestBenchThatPolls(t *testing.T) {
	p := startServer(t, nil)
	r := benchReport(t, p, "pair", "--poll", "--rate", "200", "--depth", "1", "--conns", "2", "--rounds", "1", "--duration", "200ms")
	if busy := r.Cells[0].Rounds[0].ClientBusy; !r.Poll || busy > 0.9 {
		t.Errorf("polls: %v; at 200 commands a second %.2f of a core are said to be busy", r.Poll, busy)
	}
}

func TestBenchPresentsItsToken(t *testing.T) {
	const token = "a-token-of-the-administrator"
	p := startServer(t, []string{"DLM_ADMIN_TOKEN=" + token})
	for _, c := range []struct {
		token string
		code  int
	}{{token, exitOK}, {"another-one-that-is-not-known", exitFailure}} {
		_, stderr, code := command(t, []string{"DLM_TOKEN=" + c.token}, "bench", "churn", "--server", p.addr,
			"--warmup", "1ms", "--duration", "10ms", "--rounds", "1", "--conns", "2")
		if code != c.code || strings.Contains(stderr, c.token) {
			t.Errorf("token %s: exit code %d, stderr:\n%s", c.token, code, stderr)
		}
	}
}

func TestBenchWithoutTokenNamesVariable(t *testing.T) {
	_, entry := makeToken(t, "--name", "x", "--role", "lock")
	p := startServer(t, nil, "--token-file", writeFile(t, "tokens.toml", 0o600, entry))
	for _, c := range []struct{ token, want string }{
		{"", "the server requires a token: put one with the role lock into DLM_TOKEN"},
		{"unknown", "the token in DLM_TOKEN must be known to the server"},
	} {
		_, stderr, code := command(t, []string{"DLM_TOKEN=" + c.token}, "bench", "pair", "--server", p.addr, "--warmup", "1ms",
			"--duration", "10ms", "--rounds", "1", "--conns", "2")
		if code != exitFailure || !strings.Contains(stderr, c.want) {
			t.Errorf("token %q: exit code %d, stderr:\n%s", c.token, code, stderr)
		}
	}
}

func TestBenchFailsWhenLockIsNotItsOwn(t *testing.T) {
	p := startServer(t, nil)
	dial(t, p.addr).want(t, "ACQUIRE bench:00000000000000 other 0", "OK")
	stdout, stderr, code := command(t, nil, "bench", "pair", "--server", p.addr, "--conns", "1", "--locks", "1", "--duration", "10ms")
	if code != exitFailure || stdout != "" || !strings.Contains(stderr, `"ERROR TIMEOUT`) || !strings.Contains(stderr, "--prefix") {
		t.Errorf("exit code %d, stdout:\n%s\nstderr:\n%s", code, stdout, stderr)
	}
}

func TestBenchWritesFiles(t *testing.T) {
	p := startServer(t, nil)
	dir := t.TempDir()
	file := filepath.Join(dir, "report.json")
	stdout, stderr, code := command(t, nil, "bench", "pair", "--server", p.addr, "--conns", "2", "--duration", "10ms", "--warmup", "1ms",
		"--json", file)
	if code != exitOK || !strings.Contains(stdout, "CPU ns/op") || stderr != "" {
		t.Errorf("exit code %d, stdout:\n%s\nstderr:\n%s", code, stdout, stderr)
	}
	for _, path := range []string{file} {
		if _, err := os.Stat(path); err != nil {
			t.Error(err)
		}
	}
}

func TestBenchOfNoServer(t *testing.T) {
	_, stderr, code := command(t, nil, "bench", "pair", "--server", "127.0.0.1:1")
	if code != exitFailure || !strings.Contains(stderr, "is a server running there?") {
		t.Errorf("exit code %d, stderr:\n%s", code, stderr)
	}
}
