//go:build !linux

package engine

import "time"

// What the kernel knows of a connection is not asked for on other systems: leases and keepalives
// decide.

func unackedBytes(int) (n int, known bool) { return 0, false }

func untransmittedBytes(int) int { return 0 }

func socketFailure(int) error { return nil }

func silentFor(int) time.Duration { return 0 }
