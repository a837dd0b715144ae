package engine

import (
	"fmt"
	"strings"
	"testing"
)

// TestKeptReleasesAreAccounted: in a grace each kept RELEASE is remembered, which is memory of its
// connection.
func TestKeptReleasesAreAccounted(t *testing.T) {
	dir := t.TempDir()
	s := mustStart(t, dir, nil)
	s.ask("ACQUIRE x svc 0")
	s.image()
	s.crash()
	s = mustStart(t, dir, nil)
	k := s.dial(0)
	var lines strings.Builder
	const n = 1000
	for i := range n {
		fmt.Fprintf(&lines, "RELEASE l%d s\n", i)
	}
	k.send("ACQUIRE x other 3000\n" + lines.String())
	kept := int64(bufferCap(k.c.pending.kept))
	if got := s.e.buffers.total.Load(); got != kept+n*releasedBytes {
		t.Errorf("%d bytes, of which %d are kept input", got, kept)
	}
	s.crash()
}
