package engine

import "dlm/codec"

// Cost of commands for their loop, in units of 100 ns, about a lock command. BenchmarkCosts
// measures the figures, on 2 cores of an AMD EPYC. If a command costs more than it is charged for,
// its sender can starve others. If it costs less, its sender is slowed down.
const (
	roundMax   = 10_000 // of a round: 1 ms, so that heartbeats are read in time
	plainShare = 6_554  // lock commands of a read in addition: more than a full read has
	otherShare = 256    // other commands of a read in addition: 26 µs
	turnsMax   = 5_000  // of all turns in a round
	turnMin    = 256    // of one turn

	costOther   = 3     // a command other than a lock command answered OK, without its reply
	costBad     = 1     // in addition for a malformed one: the search for the one that was meant
	costAudit   = 40    // in addition for one that writes a line of the log
	costInfo    = 30    // INFO from the cache
	costMake    = 5_000 // making INFO
	costDocs    = 200   // COMMAND DOCS or COMMAND INFO with names
	costRecord  = 4     // records of a listing that count as one
	costDeliver = 4     // the end of a wait
	costWrite   = 20    // a write to a socket
	costBytes   = 256   // bytes of replies that count as one
)

// verbsCostly can cost much more than a lock command.
var verbsCostly = verbSet(codec.VerbInfo, codec.VerbLocks, codec.VerbCommand)

func (s verbs) has(v codec.Verb) bool { return s&(1<<v) != 0 }
