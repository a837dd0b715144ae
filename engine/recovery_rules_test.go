package engine

import (
	"os"
	"strconv"
	"strings"
	"testing"

	"dlm/internal/testflag"
)

// seeds returns how many runs of the model a test makes.
func seeds(otherwise int) int {
	if n, err := strconv.Atoi(os.Getenv("DLM_SEEDS")); err == nil {
		return n
	}
	return otherwise
}

// runModel makes one run and returns the violations.
func runModel(t *testing.T, seed uint64, did map[string]int) []string {
	w := newModelWorld(t, seed)
	for range 250 {
		w.step()
		if len(w.violations) > 0 {
			_ = w.s.e.store.Abandon() // it may be closed already
			if testing.Verbose() {
				t.Log(strings.Join(w.trace[max(0, len(w.trace)-60):], "\n"))
			}
			return w.violations
		}
	}
	w.finish()
	for what, n := range w.did {
		did[what] += n
	}
	return w.violations
}

// TestRecoveryModel restarts servers in all variants, with clients that rely on their answers.
// DLM_SEEDS sets the number of runs.
func TestRecoveryModel(t *testing.T) {
	did := map[string]int{}
	for seed := range testflag.First(t, seeds(40)) {
		for _, v := range runModel(t, seed, did) {
			t.Errorf("seed %d %s", seed, v)
		}
	}
	t.Logf("%v", did)
	if t.Failed() || testflag.Seeded() {
		return
	}
	for _, what := range []string{"crash", "clean stop", "older image", "copied image", "promotion", "changed grace", "clock set back",
		"lost reply", "grant", "forced", "re-entry", "release", "claim", "renewed without token"} {
		if did[what] == 0 {
			t.Errorf("these runs tested nothing: no %s", what)
		}
	}
}
