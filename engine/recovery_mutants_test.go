//go:build mutants

package engine

import (
	"testing"

	"dlm/table"
)

// TestEachRuleIsNeeded takes the rules of the recovery out one by one, and wants
// the model to find a violation each time.
func TestEachRuleIsNeeded(t *testing.T) {
	defer table.TakeOut(table.RuleNone)
	for _, rule := range []table.Rule{
		table.RuleCeilings, table.RuleLeap, table.RuleFullLease, table.RuleNoGrants, table.RuleReentry, table.RuleClaims,
		table.RuleFloor, table.RuleLargerWins, table.RuleReleased, table.RuleBarred, table.RuleRetoken, table.RuleCount,
		table.RuleGraceFloor, table.RuleGraceImage, table.RuleCleanOnce, table.RuleLongestGrace, table.RuleGrace,
	} {
		t.Run(string(rule), func(t *testing.T) {
			table.TakeOut(rule)
			did := map[string]int{}
			for seed := range seeds(2000) {
				if found := runModel(t, uint64(seed), did); len(found) > 0 {
					t.Logf("seed %d %s", seed, found[0])
					return
				}
			}
			t.Error("nothing was violated without it")
		})
	}
}
