package table

import (
	"flag"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"dlm/internal/testflag"
)

// The simulation of the recovery has clients that keep their own books about what they hold, a
// server that writes images, crashes and starts again, and a network that loses replies. It is a
// function of a list of steps, each with a seed of its own, so that a failing run can be made
// shorter by leaving steps out.
//
// Its requests have no REQ. A repeat that is answered would let a client know what it can't know
// here, after a lost reply, and most rules are about such clients. Repeats, OUTCOME and CANCEL
// after a crash, of exclusive and shared holds and permits, are in the other simulation:
// recovery_shared_test.go.
//
//	recovery_server_test.go  starts and stops
//	recovery_plan_test.go    the plan of a start, which is that of engine/durability
//	recovery_image_test.go   images, whole or in pieces
//	recovery_client_test.go  what clients do and believe
//	recovery_loss_test.go    the end of connections and clients
//	recovery_check_test.go   what must be true
//	recovery_rules_test.go   the rules, and how a table without one of them would act

var (
	recoverySeeds = flag.Int("recovery-seeds", 0, "how many runs the simulation of the recovery makes; 0: its default")
	recoveryOut   = flag.String("recovery-out", "", "the rule to take out of the runs")
)

// recoverySteps is the length of a run.
const recoverySteps = 250

// recoveryRun makes one run of the simulation without the rule out. It returns the world at the
// first violation, or at the end.
func recoveryRun(seed uint64, steps []uint64, out rule, log bool) (w *recWorld) {
	w = newRecWorld(rand.New(rand.NewPCG(seed, 0)), out)
	w.logs = log
	defer func() {
		if bug := recover(); bug != nil { // a failed invariant, under that tag
			w.fail("panic: %v", bug)
		}
	}()
	for _, s := range steps {
		if w.violation != "" {
			break
		}
		w.rng = rand.New(rand.NewPCG(s, 1))
		w.step()
		w.steps++
	}
	return w
}

// recoveryPlan returns the steps of the run of that seed.
func recoveryPlan(seed uint64) []uint64 {
	rng := rand.New(rand.NewPCG(seed, 2))
	steps := make([]uint64, recoverySteps)
	for i := range steps {
		steps[i] = rng.Uint64()
	}
	return steps
}

// shorten leaves out steps as long as the same violation is found.
func shorten(seed uint64, steps []uint64, out rule, want string) []uint64 {
	kind, _, _ := strings.Cut(want, ":")
	fails := func(steps []uint64) (int, bool) {
		w := recoveryRun(seed, steps, out, false)
		got, _, _ := strings.Cut(w.violation, ":")
		return w.steps, got == kind
	}
	for size := len(steps) / 2; size > 0; {
		shorter := false
		for at := 0; at+size <= len(steps); {
			less := slices.Concat(steps[:at], steps[at+size:])
			if n, ok := fails(less); ok {
				steps, shorter = less[:n], true
				continue
			}
			at += size
		}
		if !shorter || size > 1 {
			size /= 2
		}
	}
	return steps
}

// report fails the test with the violation and the shortest run that shows it.
func report(t *testing.T, seed uint64, out rule, violation string) {
	steps := shorten(seed, recoveryPlan(seed), out, violation)
	w := recoveryRun(seed, steps, out, true)
	t.Logf("rule out: %q, seed %d: %s\n%d steps:\n%s",
		out, seed, w.violation, w.steps, strings.Join(w.lines, "\n"))
}

// TestRecoveryModel makes runs under all rules.
func TestRecoveryModel(t *testing.T) {
	seeds := 600
	if *recoverySeeds > 0 {
		seeds = *recoverySeeds
	}
	var seen recTally
	for seed := range testflag.First(t, seeds) {
		w := recoveryRun(seed, recoveryPlan(seed), rule(*recoveryOut), false)
		seen.add(&w.tally)
		if w.violation != "" {
			report(t, seed, rule(*recoveryOut), w.violation)
			t.Fatalf("seed %d: %s", seed, w.violation)
		}
	}
	t.Logf("%d runs: %+v", seeds, seen)
	if short := seen.missing(); short != "" && !testflag.Seeded() {
		t.Fatalf("the simulation never came to: %s", short)
	}
}

// TestRecoveryRulesAreNeeded takes out one rule after the other. Each time the simulation must find
// a violation. It tries a seed first that has found it before.
func TestRecoveryRulesAreNeeded(t *testing.T) {
	for _, r := range allRules {
		t.Run(strings.ReplaceAll(string(r.out), " ", "-"), func(t *testing.T) {
			for seed := range uint64(10_000) {
				if seed == 0 {
					seed = r.seed
				}
				w := recoveryRun(seed, recoveryPlan(seed), r.out, false)
				if !strings.HasPrefix(w.violation, r.finds) && !strings.HasPrefix(w.violation, "panic") {
					continue
				}
				if testing.Verbose() {
					report(t, seed, r.out, w.violation)
				}
				t.Logf("%s -> %s (seed %d)", r.out, w.violation, seed)
				return
			}
			t.Errorf("nothing is found without the rule: %s", r.out)
		})
	}
}
