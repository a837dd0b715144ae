package engine

import (
	"fmt"
	"strings"
	"testing"

	"dlm/internal/testflag"
)

// acquireMany takes locks <prefix>0 to <prefix>n-1 on one connection.
func acquireMany(t *testing.T, k *client, prefix string, n int) {
	t.Helper()
	eachMany(t, k, n, func(i int) string { return fmt.Sprintf("ACQUIRE %s%d A 0\n", prefix, i) })
}

func releaseMany(t *testing.T, k *client, prefix string, n int) {
	t.Helper()
	eachMany(t, k, n, func(i int) string { return fmt.Sprintf("RELEASE %s%d A\n", prefix, i) })
}

// eachMany sends n commands in reads of 500, all of which must be answered OK.
func eachMany(t *testing.T, k *client, n int, command func(i int) string) {
	t.Helper()
	for i := 0; i < n; {
		var text strings.Builder
		from := i
		for ; i < min(from+500, n); i++ {
			text.WriteString(command(i))
		}
		k.send(text.String())
		if got := k.reads(); strings.Count(got, "OK\n") != i-from {
			t.Fatalf("not all is OK: %.200q", got)
		}
	}
}

// TestListingAfterMostLocksAreGone has all remaining locks in one page: free records use none of
// its budget.
func TestListingAfterMostLocksAreGone(t *testing.T) {
	gone := testflag.Large(200_000)
	s := newSim(t, nil)
	a, b := s.dial(0), s.dial(1)
	acquireMany(t, a, "first:", 3)
	acquireMany(t, a, "gone:", gone)
	acquireMany(t, a, "last:", 3)
	b.send("@1 ACQUIRE last:1 B 60000\n")
	releaseMany(t, a, "gone:", gone)
	for command, want := range map[string]int{"LOCKS": 6, "LOCKS HELD": 6, "LOCKS PREFIX last:": 3, "LOCKS CONTENDED": 1, "LOCKS PREFIX none": 0} {
		a.send(command + "\n")
		got := a.reads()
		if !strings.HasPrefix(got, fmt.Sprintf("OK lines=%d cursor=\"\"\n", want)) {
			t.Errorf("%s: %q", command, got)
		}
	}
	a.send("LOCKS LIMIT 4\n")
	got := a.reads()
	var cursor string
	if _, err := fmt.Sscanf(got, "OK lines=4 cursor=%q\n", &cursor); err != nil || cursor == "" {
		t.Fatalf("%q: %v", got, err)
	}
	a.send("LOCKS LIMIT 4 CURSOR " + cursor + "\n")
	if got := a.reads(); !strings.HasPrefix(got, "OK lines=2 cursor=\"\"\n") {
		t.Errorf("%q", got)
	}
}

// TestListingOfContendedSkipsRest finds one contended lock of many in one page.
func TestListingOfContendedSkipsRest(t *testing.T) {
	s := newSim(t, nil)
	a, b := s.dial(0), s.dial(1)
	acquireMany(t, a, "lock:", 100_000)
	b.send("@1 ACQUIRE lock:77777 B 60000\n")
	a.send("LOCKS CONTENDED\n")
	if got := a.reads(); !strings.HasPrefix(got, "OK lines=1 cursor=\"\"\nlock=\"lock:77777\" ") {
		t.Errorf("%q", got)
	}
}
