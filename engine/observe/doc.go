// Package observe answers what people ask about a running server: lists of locks, one lock. Each
// answer has a bound that does not depend on how many locks there are, because looking must never
// slow locking.
//
// An Observer holds the mutex of one shard at a time, for holdRecords records at most. It changes
// no lock: a lease that is over is ended by others. The lock port and the HTTP side call the same
// methods, so that their words and numbers agree.
package observe
