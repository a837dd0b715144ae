//go:build !race && !invariants

package table

const noAllocCount = false
