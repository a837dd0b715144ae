package auth

import (
	"testing"
	"time"
)

// TestRememberedAddressesAreBounded checks that a new one is delayed when there is no room.
func TestRememberedAddressesAreBounded(t *testing.T) {
	var a Attempts
	for i := range AddressKey(2 * attemptsKnownMax) {
		if delay := a.Note(i, 0); (delay > 0) != (i >= attemptsKnownMax) {
			t.Fatalf("address %d is delayed by %v", i, delay)
		}
	}
	if len(a.debts) > attemptsKnownMax {
		t.Fatalf("%d are remembered", len(a.debts))
	}
	if delay := a.Note(1<<40, int64(2*attemptsForgive)); delay != 0 || len(a.debts) != 1 {
		t.Fatalf("delayed by %v, and %d are remembered, after all is forgotten", delay, len(a.debts))
	}
}

// TestRoomIsMadeSeldom checks that a full memory is searched for room at most once per
// attemptsForgive.
func TestRoomIsMadeSeldom(t *testing.T) {
	var a Attempts
	half := int64(attemptsForgive) / 2
	for i := range AddressKey(attemptsKnownMax) {
		a.Note(i, half)
	}
	for _, c := range []struct {
		now   int64
		known int
	}{{2 * half, attemptsKnownMax}, {3*half + 1, attemptsKnownMax}, {4 * half, 1}} {
		if a.Note(1<<40, c.now); len(a.debts) != c.known {
			t.Errorf("at %d, %d addresses are remembered, want %d", c.now, len(a.debts), c.known)
		}
	}
}

// TestDelaysGrowAndAreForgiven checks the delay of each wrong token of one address, and that the
// address owes nothing when enough time has passed.
func TestDelaysGrowAndAreForgiven(t *testing.T) {
	var a Attempts
	for i, ms := range []int{0, 0, 0, 0, 0, 100, 200, 400, 800, 1600, 3200, 5000, 5000} {
		if got, want := a.Note(7, 0), time.Duration(ms)*time.Millisecond; got != want {
			t.Errorf("wrong token %d: %v, want %v", i+1, got, want)
		}
	}
	if delay := a.Note(NoAddress, 0); delay != 0 {
		t.Errorf("a connection without an address is delayed by %v", delay)
	}
	if delay := a.Note(7, int64(attemptsDebtMax)); delay != 0 {
		t.Errorf("delayed by %v when all is forgiven", delay)
	}
	if got, want := a.Counts(), (AttemptCounts{Total: 15, Delayed: 8, Addresses: 1}); got != want {
		t.Errorf("counts %+v, want %+v", got, want)
	}
}
