// Package audit records what admins do, and who was refused. It knows neither connections nor
// commands.
//
//	acts          Begin, Recorded, act, End   without its first record it is refused
//	wrong tokens  Count                       one record per address and minute
//	others        Note                        without a place the record is dropped and counted
//	                  |
//	               queue -> goroutine "audit" -> Sink: a file of JSON lines, or the server's log
//
// A record goes into a bounded queue, and only Recorded waits for the sink. While the sink fails,
// records stay in the queue and the goroutine tries again each second. Acts whose first record is
// not written are refused then, and so are new ones. The outcome of an act that was executed is
// written when the sink works again, or lost with the process; that it was asked for is written.
//
// The last records are kept in memory, for those who look at them over the network.
//
// One mutex guards everything. Nothing else is locked and nothing is written under it.
package audit
