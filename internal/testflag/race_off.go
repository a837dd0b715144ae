//go:build !race

package testflag

// Race is true if the race detector is built in. It allocates where the code does not.
const Race = false
