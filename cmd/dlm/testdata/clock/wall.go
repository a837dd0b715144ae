// Package clock has this file in the place of engine/clock/wall.go when a test wants servers with a
// wrong wall clock: go build -overlay.
package clock

import (
	"os"
	"time"
)

// Wall returns the wall-clock time, set back by WALL_BACK, a duration.
func Wall() time.Time {
	back, err := time.ParseDuration(os.Getenv("WALL_BACK"))
	if err != nil {
		panic(err)
	}
	return time.Now().Add(-back)
}
