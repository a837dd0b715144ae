//go:build !linux

package transport

import "time"

// Other systems are not asked for the state of a connection: leases and keepalives decide.

func unackedBytes(int) (n int, known bool) { return 0, false }

func untransmittedBytes(int) int { return 0 }

func socketFailure(int) error { return nil }

func silentFor(int) time.Duration { return 0 }
