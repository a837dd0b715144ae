// Package clock has the times that a server lives by. It starts no goroutine. DESIGN.md has the
// reasons.
//
//	table time  Clock.Now       ns since the start, in which leases and waits begin; a pause of
//	                            the process counts as PauseMax at most
//	lease time  Clock.LeaseNow  table time without the Lag of table.Pauses; leases end in it
//	wall time   Wall            the date of an image, and of the first tokens of a start
//	CPU time    ThreadTime      of one thread: the cost of an image
//
// A Clock reads a source that its maker gives it: Monotonic in a server, a number that the test
// advances in a simulation. All goroutines share one Clock, without a mutex except in a pause.
package clock
