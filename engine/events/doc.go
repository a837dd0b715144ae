// Package events tells connections what happens to locks: WATCH and NOTIFY. It knows no socket and
// no loop by more than its number.
//
//	under a shard  change of a lock -> hook of the table -> Hub -> buffers of Subscribers
//	on any loop    Hub.Wake -> the loops of Subscribers with something to send
//	on their loop  Hub.Ready -> Subscriber.Take -> output of the connection
//
// A Subscriber is one connection with its prefixes and its buffer. A shard finds the subscribers of
// a name in a map from prefix to subscribers, with one look per length of a prefix, and appends the
// event to their buffers in the form of the wire. It wakes nobody, because there is no system call
// under the mutex of a shard. The loop that has executed the command does that at the end of its
// batch, and else the ticker.
//
// A buffer has bufferMax bytes. Events beyond it are counted, and the count is the last event of
// the buffer. So a client that does not read costs the others nothing, and knows that it has missed
// something, and where.
//
// While nobody watches, the table has no hook, and a change of a lock costs the test of a pointer
// that it has always made. NOTIFY has a hook of its own, which the table looks at only when a hold
// is lost.
//
// Order of locks: a shard, then an index, or a Subscriber and then its box. Subscribing locks an
// index alone.
package events
