// Package engine has this file in the place of engine/wall.go when a test wants
// servers with a wrong wall clock: go build -overlay.
package engine

import (
	"os"
	"time"
)

// now returns the wall-clock time, set back by WALL_BACK, a duration.
func (c *Config) now() time.Time {
	if c.wall != nil {
		return c.wall()
	}
	back, err := time.ParseDuration(os.Getenv("WALL_BACK"))
	if err != nil {
		panic(err)
	}
	return time.Now().Add(-back)
}
