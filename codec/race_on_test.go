//go:build race

package codec

// raceEnabled: the race detector allocates in code that does not.
const raceEnabled = true
