//go:build race || invariants

package table

// noAllocCount: the race detector allocates on its own, and the checks under
// the tag invariants do, so that allocations per command can't be counted.
const noAllocCount = true
