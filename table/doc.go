// Package table decides who gets a lock. It is a pure state machine: commands and times go in,
// results and effects come out, and the same input gives the same state.
//
// It owns locks, owners, queues, leases, wait deadlines, fencing tokens, META and the limits on
// them. It knows no socket and no wire form, reads no clock, starts no goroutine, writes no file
// and logs nothing. It does not check the length of names, services and META, nor the range of a
// TTL; the codec does.
//
//	Table    256 shards, the limits over all of them, the due ticks
//	Shard    the locks whose names hash to it, under one mutex
//	Command  (package codec) the request of a client
//	Result   the immediate outcome of a command
//	Batch    lock commands that Run executes together, and their outcomes
//	Effect   the end of an earlier wait of another connection, which the caller delivers
//	Event    one change of one lock, for a tap in tests
//
// # A lock
//
// A lock that nobody holds has no record: it is free, and its name is forgotten. It keeps its
// record while detached requests wait for it.
//
//	      ACQUIRE: new token, count 1
//	free ------------------------------> held --+  ACQUIRE of the owner: count + 1, new lease
//	  ^                                  |  ^   |  HEARTBEAT: new lease
//	  |                                  |  |<--+  RELEASE with count > 1: count - 1
//	  |  no waiter                       |  |
//	  +-------------- passOn <-----------+  |
//	                    |  RELEASE to 0, lease over, FORCE-RELEASE, TakeBack to 0
//	                    +-------------------+
//	                     first waiter in time: new token, count 1,
//	                     + 1 for each request of its owner that directly follows
//
// # A request
//
//	          lock free, or held by its owner
//	ACQUIRE -----------------------------------> granted, in the Result
//	   |  \
//	   |   \ timeout 0: Timeout; a limit: Limit
//	   v
//	waiting ---> granted    Effect OK       the hold before it ended
//	        ---> timed out  Effect Timeout  its deadline has come
//	        ---> refused    Effect Limit    no token is left
//	        ---> cancelled  no effect       its connection is gone
//	        ---> displaced  Effect Canceled a repeat of it has its place, or CANCEL has ended it
//	        ---> detached   no effect       its connection is gone, and it may be repeated (REQ)
//
// A request with REQ has a record, which outlives it: see request.go. A detached request keeps its
// place for a while: see detached.go.
//
// # Shared locks and semaphores
//
// Several services can hold a lock: with SHARED any number, with PERMITS n as long as a permit is
// left. Their holds form a group (group.go), each a record of its own. Requests of all kinds stand
// in one queue, and the head of the queue is granted when the holders allow it.
//
//	          SHARED, PERMITS           the last holder leaves
//	free ---------------------> group ---------------------------> passOn
//	                            |   ^
//	   UPGRADE of the sole      |   |  DOWNGRADE: same token,
//	   holder: a larger token   v   |  readers at the head are granted
//	                            held
//
// # Time
//
// Times are nanoseconds of table time, a clock of the caller that never goes back. A call with an
// older reading runs at the shard's last time. Deadlines are exact: a lease or wait that ends at t
// is not over at t-1 and is over at t.
//
// A command first ends the lease of its own lock if that is over. Advance ends the other leases and
// waits. It is one tick of a millisecond late at most if the caller calls it for each tick in which
// Table.Due returns true.
//
// After a pause of the process, leases do not end until the caller has executed the commands that
// arrived during the pause. Waits include the part of a long pause that table time leaves out. See
// Pauses.
//
// # Recovery
//
// A table that is made from an image (Import) does not know what happened after it. While its grace
// runs, a record can be without a holder: for requests that wait, and to remember the token of a
// hold that has ended.
//
//	                                 HEARTBEAT or RELEASE with TOKEN n
//	unknown, n above the image's counter --> confirmed  a claim; a larger n replaces the holder
//	of the image: unverified --------------> confirmed
//
//	unverified --- HEARTBEAT without TOKEN --> renewed
//	any of the three --- RELEASE to 0 -------> released  its owner's TOKEN and COUNT revive it
//	any of the three --- lease over, forced -> fenced    tokens up to its own are refused
//
// In a group, each holder has such a state, and a larger token does not end the others: see
// claimgroup.go.
//
// Only re-entries of confirmed holds are granted. When the grace ends, the table decides about each
// record before anything else happens to it: unverified holds end, renewed holds get a new token,
// and locks without a holder go to the first waiter.
//
// # Who may call what
//
// Table.Hash, Prepare, Shard, ShardAt, Due and SetMemoryLeft may be called from anywhere. Totals,
// Gather and Run lock shards themselves: call them without holding one. Apply, Cancel, Lose,
// CancelRequest, Outcome, TakeBack, Holder, Advance, Status, Holders, List, Export and Import need
// the shard's mutex (Shard.Lock). Never hold two shards. Effects belong to the caller, which
// delivers them after unlocking and then empties the list.
//
// Scripts in testdata show each rule of the contract; DESIGN.md has the reasons.
package table
