//go:build !linux

package clock

import "time"

var processStart = time.Now()

// ThreadTime returns the time that has passed, which is at least the CPU time of the thread.
func ThreadTime() time.Duration { return time.Since(processStart) }
