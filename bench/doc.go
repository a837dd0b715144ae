// Package bench loads a lock server and measures it. It owns the generator, the workloads, the
// accounts of latency and of the server's CPU time, and the report. It does not start servers:
// bench/compare does, and `dlm bench` runs against any that is there.
//
// A Load says which server is loaded, and for how long. A Workload is a struct with its own
// settings: Pair, Renew, Cycle, Ping, Hot, Waiters or Churn. Run measures one.
//
// # From a command to its figure
//
//	batch (encoded before the clock starts) -> loop.send -> socket -> server
//	Latencies, progress.commands <- Pattern.Match <- loop.read <- socket.receive <-
//
// Every reply is compared with its Pattern. The first wrong one ends the run with ErrWrongReply,
// because a figure over wrong replies is none. A Pattern must be quick to match: a generator that
// is slower than the server lets it sleep between two batches, and waking up costs the server more
// than a command.
//
// # Closed and open loop
//
// A closed loop keeps one batch of depth commands under way on each connection and sends the next
// when all of it is answered; latency counts from the sending. It measures what a server can do. An
// open loop sends batches at times that were fixed beforehand, whether or not the former are
// answered; latency counts from those times, so a stall is charged to every command that it delays
// ("coordinated omission" is the mistake of not doing so).
//
// # The figures
//
// The clock is read once after each read of a socket. Server CPU time is the sum of
// /proc/PID/task/*/schedstat, read together with the count of replies at both ends of a round: it
// says what a command costs even when the generator or a neighbour on the machine limits the
// throughput. Objects that the server allocated come from its INFO, which is asked before and after
// those readings, with a count of replies of its own.
//
// # Other servers
//
// A Protocol says how requests are written and how replies look. Package bench has the forms of
// dlm. The module bench/compare has the protocols of other servers.
//
// # Goroutines
//
//	name    owns                                       ended by
//	loop i  a poller, its connections, its histograms  phase stop, an error
//	clock   phases and rounds (the caller of Run)      the last round, the context
//
// They share progress alone: the phase, which the clock sets, and the count of commands. A loop
// locks its thread. Churn and Waiters have a goroutine for each connection instead of a loop,
// because their figures do not depend on the cost of a switch.
package bench
