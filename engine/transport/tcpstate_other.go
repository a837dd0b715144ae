//go:build !linux

package transport

import "time"

// Other systems are not asked for the state of a connection: leases and keepalives decide.

func unackedBytes(int) (n int, known bool) { return 0, false }

func untransmittedBytes(int) int { return 0 }

func (s *Socket) Failure() error { return nil }

func (s *Socket) SilentFor() time.Duration { return 0 }

// Ended does not know: the end of a stream is noticed when the loop reads it.
func (s *Socket) Ended() bool { return false }
