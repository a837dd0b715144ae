package engine

import (
	"math"
	"syscall"
	"time"
)

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
	discardMax      = 1 << 20                // bytes that are read and dropped after hangUp
	unreadStallMax  = 10 * time.Second       // how long a peer may read nothing beyond stallBytes
	stallBytes      = 1 << 20                // bytes of replies that may stay unread for ever
	silentMin       = 100 * time.Millisecond // silence from which a grant is sent as two segments
	unackedMax      = 30 * time.Second       // how long a peer may owe an acknowledgement
	outputLookEvery = 4                      // sweeps between two looks at unread output: 1 s
	silentLookEvery = 20                     // sweeps between two looks at a peer's silence: 5 s
	bulkMin         = 16 << 10               // bytes of an output whose grants inKernel remembers
	queuedMax       = 1 << 17                // grants of a connection in inKernel: 4 MiB of memory
	auditFlushMax   = 500 * time.Millisecond // for the last records of the engine's own audit
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

// fileShares is how many parts the file limit of the process has, one of which each use
// besides ordinary connections may take at most.
const fileShares = 16

// connsLimit lowers the wanted number of connections to what the process may open, less
// what the server itself needs: the listeners and their spares, the log, four per loop, one that
// is being enrolled (it is duplicated), the HTTP side, guests and those turned away, and
// some in reserve, for images too.
func connsLimit(wanted, loops int) int {
	own := 16 + 2*sparesMax() + 4*loops + HTTPConnsMax() + HealthConnsMax() + fileShare(guestsWanted) + fileShare(turnedWanted)
	return min(wanted, max(filesMax()-own, 1))
}

// fileShare lowers a wanted number of descriptors to a share of the file limit.
func fileShare(wanted int) int { return max(1, min(filesMax()/fileShares, wanted)) }

// sparesMax returns how many spare descriptors an acceptor has.
func sparesMax() int { return max(2, fileShare(sparesWanted)) }

// HTTPConnsMax returns how many connections the HTTP side may have: they share the file
// limit with those for locks.
func HTTPConnsMax() int { return fileShare(64) }

// HealthConnsMax returns how many connections the side for probes alone may have.
func HealthConnsMax() int { return fileShare(16) }

// filesMax returns how many descriptors the process may have.
func filesMax() int {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return math.MaxInt
	}
	return int(min(limit.Cur, math.MaxInt))
}
