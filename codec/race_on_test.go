//go:build race

package codec

// raceEnabled is true because the race detector allocates where the code does not.
const raceEnabled = true
