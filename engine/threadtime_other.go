//go:build !linux

package engine

import "time"

var processStart = time.Now()

// threadTime returns the time that has passed: at least the CPU time of the thread.
func threadTime() time.Duration { return time.Since(processStart) }
