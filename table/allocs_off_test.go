//go:build race || invariants

package table

// noAllocCount is true where allocations per command can't be counted, because the race detector or
// the checks under the tag invariants allocate.
const noAllocCount = true
