package engine

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
)

var lockOf = regexp.MustCompile(`lock="([^"]*)"`)

// listing collects all names by following the cursor.
func listing(t *testing.T, k *client, command string) map[string]int {
	t.Helper()
	names := map[string]int{}
	for cursor := ""; ; {
		k.send(fmt.Sprintf("%s CURSOR %q\n", command, cursor))
		lines := strings.Split(strings.TrimSuffix(k.reads(), "\n"), "\n")
		var n int
		if _, err := fmt.Sscanf(lines[0], "OK lines=%d cursor=%q", &n, &cursor); err != nil || n != len(lines)-1 {
			t.Fatalf("%q: %v", lines[0], err)
		}
		for _, line := range lines[1:] {
			names[lockOf.FindStringSubmatch(line)[1]]++
		}
		if cursor == "" {
			return names
		}
	}
}

func TestListingMeetsEveryLock(t *testing.T) {
	s := newSim(t, nil)
	a, b := s.dial(0), s.dial(1)
	for i := range 3000 {
		a.send(fmt.Sprintf("ACQUIRE lock:%d A 0\nACQUIRE other:%d A 0\n", i, i))
	}
	a.reads()
	b.send("@1 ACQUIRE lock:7 B 60000\n@2 ACQUIRE other:7 B 60000\n")
	for command, want := range map[string]int{"LOCKS LIMIT 1000": 6000, "LOCKS PREFIX lock: LIMIT 7": 3000,
		"LOCKS CONTENDED": 2, "LOCKS CONTENDED PREFIX lock:": 1, "LOCKS HELD PREFIX nothing": 0} {
		names := listing(t, a, command)
		if len(names) != want {
			t.Errorf("%s: %d names, want %d", command, len(names), want)
		}
		for name, n := range names {
			if n != 1 {
				t.Errorf("%s: %q %d times", command, name, n)
			}
		}
	}
	a.do("LOCKS CURSOR nonsense", "ERROR BADARG CURSOR is not one that LOCKS has answered: leave it out to begin anew")
	a.do("LOCKS CURSOR 256-1", "ERROR BADARG CURSOR is not one that LOCKS has answered: leave it out to begin anew")
}

func TestOneAnswerOfListingIsBounded(t *testing.T) {
	s := newSim(t, nil)
	a := s.dial(0)
	long := strings.Repeat("n", 1000)
	for i := range 1000 {
		a.send(fmt.Sprintf("ACQUIRE %s%d A 0 META %s\n", long, i, strings.Repeat("m", 512)))
	}
	a.reads()
	a.send("LOCKS LIMIT 1000\n")
	if got := a.reads(); len(got) > 2*listBytes || !strings.Contains(got[:100], "cursor=\"") || strings.Contains(got[:100], `cursor=""`) {
		t.Fatalf("%d bytes: %.100q", len(got), got)
	}
	if n := len(listing(t, a, "LOCKS LIMIT 1000")); n != 1000 {
		t.Fatalf("%d locks", n)
	}
}
