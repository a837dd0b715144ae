package engine

import (
	"os"
	"strings"
	"testing"
)

// TestFeaturesAreInTheReference checks that PROTOCOL.md explains each word of HELLO's features.
func TestFeaturesAreInTheReference(t *testing.T) {
	text, err := os.ReadFile("../PROTOCOL.md")
	if err != nil {
		t.Fatal(err)
	}
	_, list, found := strings.Cut(string(text), "\nFeatures: ")
	list, _, _ = strings.Cut(list, "\n\n")
	for word := range strings.SplitSeq(features, ",") {
		if !found || !strings.Contains(list, "`"+word+"` (") {
			t.Errorf("the feature %q is not explained", word)
		}
	}
}

// TestNamesOfConnectionsAreAccounted checks that names count as memory of connections while they
// are open.
func TestNamesOfConnectionsAreAccounted(t *testing.T) {
	s := newSim(t, nil)
	a, b := s.dial(0), s.dial(1)
	for _, step := range []struct {
		do   func()
		want int64
	}{
		{func() { a.send("HELLO NAME 12345678\n") }, 8},
		{func() { b.send(lineArray("CLIENT SETNAME 1234")) }, 12},
		{func() { a.send("HELLO NAME 1\n") }, 5},
		{func() { b.send(lineArray("RESET")) }, 1},
		{func() { a.hangUp() }, 0},
	} {
		step.do()
		if got := s.e.buffers.total.Load(); got != step.want {
			t.Errorf("%d bytes, want %d", got, step.want)
		}
	}
}
