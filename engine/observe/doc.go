// Package observe answers what people ask about a running server. Each answer has a bound, because
// looking must never slow locking:
//
//	one lock, its queue    found by its hash; 100 requests
//	Locks, Owner           a page looks at 16,384 records, and a cursor goes on from there
//	Top, Prefixes          a view: one walk for all viewers, which rests 100 times what it cost
//	Deadlocks              100,000 edges between services that wait and hold, in its own walks
//	Refusals               requests with DETECT, in the same walk
//	GraphAroundLock/Owner  60 services, from the view of Deadlocks
//	Events                 a ring of the last 1,024
//	History                a ring of the last 600 seconds
//
// A view is made when a viewer asks for it, by the goroutine "observer", and once a minute for the
// metrics. A question waits for a new view for a second at most; the answer tells its age.
//
// An Observer holds the mutex of one shard at a time, for holdRecords records at most. It changes
// no lock: a lease that is over is ended by others. The lock port and the HTTP side call the same
// methods, so that their words and numbers agree.
package observe
