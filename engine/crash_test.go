package engine

import (
	"strings"
	"testing"

	"dlm/table"
)

// TestBugWithShardLockedEndsProcess through the function that first writes out the log.
func TestBugWithShardLockedEndsProcess(t *testing.T) {
	ended := 0
	s := newSim(t, func(c *Config) {
		c.Crash = func() { ended++ }
		c.Tap = func(*table.Event) { panic("BUG: made by the test") }
	})
	func() {
		defer func() {
			if recover() == nil {
				t.Error("it goes on")
			}
		}()
		s.dial(0).send("ACQUIRE x me 0\n")
	}()
	if ended != 1 || !strings.Contains(s.log.String(), "made by the test") || !strings.Contains(s.log.String(), "crash_test.go") {
		t.Errorf("ended %d times, log %s", ended, s.log.String())
	}
}
