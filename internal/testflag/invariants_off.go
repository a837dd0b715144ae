//go:build !invariants

package testflag

// Invariants is true under the build tag of that name. Its checks allocate.
const Invariants = false
