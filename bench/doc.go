// Package bench loads a lock server and measures it. It owns the generator, the
// workloads, the accounts of latency and of the server's CPU time, and the
// report. It does not start servers: bench/compare does, and `dlm bench` runs
// against any that is there.
//
// # From a command to its figure
//
//	stream (encoded before the clock starts) -> streamLoop.send -> socket -> server
//	latencies, progress.commands <- expectation.match <- socket.receive <-
//
// Every reply is compared with what must be answered, byte by byte where that
// is known and by its form where it has numbers. The first wrong one ends the
// run with ErrWrongReply, since a figure over wrong replies is none.
//
// # Closed and open loop
//
// A closed loop keeps one batch of depth commands under way on each connection
// and sends the next when all of it is answered; latency counts from the
// sending. It measures what a server can do. An open loop sends batches at
// times that were fixed beforehand, whether or not the former are answered;
// latency counts from those times, so a stall is charged to every command that
// it delays ("coordinated omission" is the mistake of not doing so).
//
// # What it measures with
//
// The clock is read once after each read of a socket. Server CPU time is the
// sum of /proc/PID/task/*/schedstat, read together with the count of replies
// at both ends of a round: it says what a command costs even when the
// generator or a neighbour on the machine limits the throughput. Objects that
// the server allocated come from its INFO, which is asked before and after
// those readings, with a count of replies of its own.
//
// # Other servers
//
// A Protocol says how requests are written and replies are checked. Package bench has the forms
// of dlm. The module bench/compare has the protocols of other servers.
//
// # Goroutines
//
//	name    owns                                     ended by
//	loop i  a poller, its connections, its histograms  phase stop, an error
//	clock   phases and rounds (the caller of Run)    the last round, the context
//
// They share progress alone: the phase, which the clock sets, and the count of
// commands. All workloads run in the same loop, which locks its thread. It hands
// what arrives to the workload. The workloads hot, waiters and churn have one loop.
package bench
