package engine

import "time"

// now returns the wall-clock time. Tests that start processes build them with a
// clock that is set back in the place of this file.
func (c *Config) now() time.Time {
	if c.wall != nil {
		return c.wall()
	}
	return time.Now()
}
