//go:build race || invariants

package engine

// checked tells that the build checks more and allocates for it.
const checked = true

// large is how many a test with many takes, of n: less, as each costs ten times as much here.
func large(n int) int { return n / 4 }
