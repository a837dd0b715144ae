package engine

import "dlm/codec"

// What commands cost their loop, in units of 100 ns, which is about a lock command. Figures are
// measured by BenchmarkCosts, on 2 cores of an AMD EPYC. A command that costs more than it is charged
// for lets its sender starve others; one that costs less slows it down.
const (
	roundMax   = 10_000 // of a round: 1 ms, so that a heartbeat is read in time also beside some more
	plainShare = 6_554  // lock commands that a read may have beyond it: more than a full read of the shortest has
	otherShare = 256    // other commands that a read may have beyond it: 26 µs
	turnsMax   = 5_000  // of all turns in a round
	turnMin    = 256    // of one turn

	costOther   = 3     // a command that is not a lock command answered OK, beside its reply
	costBad     = 1     // more for a malformed one: what it was probably meant to be
	costAudit   = 40    // more for one that leaves a line in the log
	costInfo    = 30    // INFO that was made already
	costMake    = 5_000 // to make it
	costDocs    = 200   // COMMAND DOCS or COMMAND INFO with names
	costRecord  = 4     // records of a listing that count as one
	costDeliver = 4     // the end of a wait
	costWrite   = 20    // a write to a socket
	costBytes   = 256   // bytes of replies that count as one
)

// verbsCostly are those that can cost much more than a lock command.
var verbsCostly = verbSet(codec.VerbInfo, codec.VerbLocks, codec.VerbCommand)

func (s verbs) has(v codec.Verb) bool { return s&(1<<v) != 0 }
