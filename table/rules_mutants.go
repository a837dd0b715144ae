//go:build mutants

package table

var without Rule

// TakeOut makes the code ignore one rule, to see that tests notice. RuleNone: none.
func TakeOut(r Rule) { without = r }

// Without tells whether a rule of the recovery is taken out.
func Without(r Rule) bool { return without == r }
