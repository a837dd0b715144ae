package engine

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"
)

// newDurableSim is newSim with a data directory: each call is a start.
func newDurableSim(t *testing.T, dir string, change func(*Config)) (*sim, error) {
	t.Helper()
	s := &sim{t: t}
	cfg := Config{Loops: 2, Lease: 10 * time.Second, RecoveryGrace: 20 * time.Second, DataDir: dir, Log: slog.New(slog.NewTextHandler(&s.log, nil))}
	if change != nil {
		change(&cfg)
	}
	cfg.EnsureDefaults()
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	rec, err := openTable(&cfg)
	if err != nil {
		return nil, err
	}
	s.e = newEngine(cfg, func() int64 { return s.time }, rec)
	s.co = newCourier(s.e)
	for _, r := range s.e.reactors {
		s.bind(r)
	}
	return s, nil
}

func mustStart(t *testing.T, dir string, change func(*Config)) *sim {
	t.Helper()
	s, err := newDurableSim(t, dir, change)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// image writes an image, as the imager does at each interval.
func (s *sim) image() {
	s.t.Helper()
	if err := s.e.imager.Load().write(); err != nil {
		s.t.Fatal(err)
	}
}

// crash ends the sim like kill -9: only the lock of the directory goes.
func (s *sim) crash() {
	s.t.Helper()
	if err := s.e.served.Load().dir.Close(); err != nil {
		s.t.Fatal(err)
	}
}

// cleanStop ends the sim as SIGTERM does, after the last command.
func (s *sim) cleanStop() {
	s.t.Helper()
	if err := s.e.keepLast(); err != nil {
		s.t.Fatal(err)
	}
}

func (s *sim) ask(line string) string {
	s.t.Helper()
	k := s.dial(0)
	k.send("DETAIL ON\n")
	k.out.Reset()
	k.send(line + "\n")
	return strings.TrimSuffix(k.out.String(), "\n")
}

func (s *sim) want(line, want string) {
	s.t.Helper()
	if got := s.ask(line); !strings.HasPrefix(got, want) {
		s.t.Errorf("%s: %q, want %q", line, got, want)
	}
}

func tokenOf(t *testing.T, reply string) (token uint64) {
	t.Helper()
	if n, err := fmt.Sscanf(reply, "OK token=%d", &token); n != 1 {
		t.Fatalf("%q has no token: %v", reply, err)
	}
	return token
}
