package engine

import "time"

// Limits that are not settings.
const (
	loopsMax    = 256     // event loops: a ConnID has 8 bits for the loop
	connsMaxMax = 1 << 20 // largest setting of max-conns
	bytesMaxMax = 1 << 30 // largest setting of a per-connection byte limit

	tagsMax         = 10_000                 // open tags per connection
	authFailuresMax = 3                      // wrong tokens before a connection is closed
	tickEvery       = time.Millisecond       // least time between two looks of the ticker
	lookEvery       = 20 * time.Millisecond  // most: well within clock.StepMax
	sweepEvery      = 250 * time.Millisecond // how often connections are checked for age limits
	lingerMax       = 2 * time.Second        // how long a connection that was hung up may take to close
	unreadStallMax  = 10 * time.Second       // how long a peer may make no room for its replies, beyond stallBytes
	stallBytes      = 1 << 20                // bytes of unread replies that a client may leave lying for as long as it wants
	silentMin       = 100 * time.Millisecond // since the last input, before a grant is sent so that reading it acknowledges it
	unackedMax      = 30 * time.Second       // how long a peer may owe an acknowledgement: as long as keepalives are patient
	outputLookEvery = 4                      // sweeps between two looks at the unread output of a connection: a second
	silentLookEvery = 20                     // sweeps between two looks at the silence of a peer: 5 s
	bulkMin         = 16 << 10               // bytes of an output whose grants are kept in mind until it was transmitted
	queuedMax       = 1 << 17                // of such grants of a connection: 4 MiB of memory
	deliveriesKept  = 16                     // grants that may be unacknowledged without being accounted for
	deliveriesMax   = tagsMax                // and at all
	spillAt         = 256 << 10              // bytes of output that are written in the middle of a batch
	orphansKept     = 4096                   // grants to take back for which a reactor keeps memory
	ownGrantsMax    = 64                     // grants for which a connection keeps memory between batches
	waitsKept       = 64                     // tagged waits for which a connection keeps memory when none is open
	scratchMin      = 64 << 10               // bytes of a reactor's output buffer at the start
	writeNowMax     = 64 << 10               // bytes of a write that the scheduler is not told of
	singleMax       = 128                    // bytes of a read that may be one lock command
	trackedMin      = 4 << 10                // bytes of a connection's buffers from which it can be the largest
	advanceMax      = 1024                   // due entries settled per hold of a shard's mutex
	dueMax          = 64                     // the same, at the end of a batch of commands
	dueHoldsMax     = 64                     // such holds: what is due is mostly spread over many shards
)
