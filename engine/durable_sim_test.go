package engine

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"dlm/engine/durability"
)

// newDurableSim is newSim with a data directory: each call is a start.
func newDurableSim(t *testing.T, dir string, change func(*Config)) (*sim, error) {
	t.Helper()
	return startSim(t, Config{Loops: 2, Lease: 10 * time.Second, Settings: durability.Settings{RecoveryGrace: 20 * time.Second, DataDir: dir}}, change, durability.Open)
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
	if err := s.e.store.WriteImage(); err != nil {
		s.t.Fatal(err)
	}
}

// crash ends the sim like kill -9: only the lock of the directory goes.
func (s *sim) crash() {
	s.t.Helper()
	if err := s.e.store.Abandon(); err != nil {
		s.t.Fatal(err)
	}
}

// cleanStop ends the sim as SIGTERM does, after the last command.
func (s *sim) cleanStop() {
	s.t.Helper()
	if err := s.e.store.Finish(); err != nil {
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
