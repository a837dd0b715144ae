package durability

import (
	"os"
	"testing"
)

// TestUnchangedTableIsWrittenNowAndThen checks that an image is written anew when it is old, and
// when its file is gone, though nothing has changed.
func TestUnchangedTableIsWrittenNowAndThen(t *testing.T) {
	s := openStore(t, t.TempDir(), nil)
	m := s.imager.Load()
	written := func(want bool, when string) {
		t.Helper()
		got, err := s.UpdateImage()
		must(t, err)
		if got != want {
			t.Errorf("%s: written %v", when, got)
		}
	}
	written(true, "the first of a start")
	written(false, "unchanged")
	acquire(t, s, "a")
	written(true, "a lock was taken")
	written(false, "unchanged")
	m.state.Written = m.state.Written.Add(-unchangedMax)
	written(true, "old")
	written(false, "unchanged")
	must(t, os.Remove(m.state.Path))
	written(true, "removed")
	written(false, "unchanged")
}
