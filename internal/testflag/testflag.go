package testflag

import (
	"flag"
	"fmt"
	"iter"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// Checked is true if the build checks more than a release does. Such a build allocates for its
// checks and takes about ten times as long for a command.
const Checked = Race || Invariants

// Patience bounds the wait for something that must happen. It is long, because only a test that
// fails waits for all of it, and because a machine may be slow, and a build Checked.
const Patience = 3 * time.Minute

// Large returns how many things a test with n of them takes: a quarter of n if the build is
// Checked.
func Large(n int) int {
	if Checked {
		return n / 4
	}
	return n
}

var seed = flag.Uint64("seed", 0, "the only seed that a random test runs; 0: all of its own")

// Seeded reports whether -seed chose the run. One run need not meet every case.
func Seeded() bool { return *seed != 0 }

// Random yields n seeds, or the seed of -seed alone. The first half is the same in each run, so
// that what a test must meet is met whatever the rest draws; the others differ from run to run. It
// ends after the first seed whose run fails, and prints the command that replays this run.
func Random(t testing.TB, n int) iter.Seq[uint64] {
	return seeds(t, n, func(i int) uint64 {
		if i < (n+1)/2 {
			return uint64(i + 1)
		}
		return draw()
	})
}

// First yields the seeds 1 to n, or the seed of -seed alone. It fails as Random does.
func First(t testing.TB, n int) iter.Seq[uint64] {
	return seeds(t, n, func(i int) uint64 { return uint64(i + 1) })
}

// Seed returns one seed for a test that makes a single run: that of -seed, or a random one. It
// prints the command that replays the run if the test fails.
func Seed(t testing.TB) uint64 {
	s := *seed
	if !Seeded() {
		s = draw()
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(replay(t.Name(), s))
		}
	})
	return s
}

func draw() uint64 { return 1 + rand.Uint64N(1<<53) }

func seeds(t testing.TB, n int, draw func(int) uint64) iter.Seq[uint64] {
	return func(yield func(uint64) bool) {
		t.Helper()
		if Seeded() {
			run(t, *seed, yield)
			return
		}
		for i := range n {
			if !run(t, draw(i), yield) {
				return
			}
		}
	}
}

// run yields one seed and reports whether to go on. The deferred function also runs when the body
// of the loop calls FailNow or panics.
func run(t testing.TB, s uint64, yield func(uint64) bool) bool {
	failed := t.Failed()
	done := false
	defer func() {
		if !done || t.Failed() && !failed {
			t.Log(replay(t.Name(), s))
		}
	}()
	more := yield(s)
	done = true
	return more && !t.Failed()
}

// replay returns the line that tells how to run one seed of a test again.
func replay(test string, s uint64) string {
	return fmt.Sprintf("replay with: go test %s -run '^%s$' -seed %d", folder(), test, s)
}

// folder returns the folder of the package under test as the go command takes it: go test starts a
// test there.
func folder() string {
	here, err := os.Getwd()
	if err != nil {
		return "."
	}
	for root := here; root != filepath.Dir(root); root = filepath.Dir(root) {
		if _, err := os.Stat(filepath.Join(root, "go.mod")); err == nil {
			rest, _ := filepath.Rel(root, here)
			return "./" + filepath.ToSlash(rest)
		}
	}
	return "."
}
