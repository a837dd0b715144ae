//go:build !race && !invariants

package engine

const checked = false

func large(n int) int { return n }
