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
	lookEvery       = 20 * time.Millisecond  // longest time between two looks; within clock.StepMax
	sweepEvery      = 250 * time.Millisecond // how often connections are checked for age limits
	lingerMax       = 2 * time.Second        // how long a connection may take to close after hangUp
	unreadStallMax  = 10 * time.Second       // how long a peer may read nothing beyond stallBytes
	stallBytes      = 1 << 20                // bytes of replies that may stay unread for ever
	silentMin       = 100 * time.Millisecond // silence from which a grant is sent as two segments
	unackedMax      = 30 * time.Second       // how long a peer may owe an acknowledgement
	outputLookEvery = 4                      // sweeps between two looks at unread output: 1 s
	silentLookEvery = 20                     // sweeps between two looks at a peer's silence: 5 s
	bulkMin         = 16 << 10               // bytes of an output whose grants inKernel remembers
	queuedMax       = 1 << 17                // grants of a connection in inKernel: 4 MiB of memory
	deliveriesKept  = 16                     // unacknowledged grants that are not accounted for
	deliveriesMax   = tagsMax                // unacknowledged grants of a connection
	spillAt         = 256 << 10              // bytes of output that are written within a batch
	orphansKept     = 4096                   // grants to take back for which a reactor keeps memory
	ownGrantsMax    = 64                     // grants for which an idle connection keeps memory
	waitsKept       = 64                     // waits for which an idle connection keeps memory
	scratchMin      = 64 << 10               // bytes of a reactor's output buffer at the start
	singleMax       = 128                    // bytes of a read that may be one lock command
	trackedMin      = 4 << 10                // bytes from which a connection can be the largest
	advanceMax      = 1024                   // due entries ended per hold of a shard's mutex
	dueMax          = 64                     // the same, at the end of a batch of commands
	dueHoldsMax     = 64                     // such holds; due entries are spread over many shards
)
