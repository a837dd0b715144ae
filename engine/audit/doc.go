// Package audit records what admins do, and who was refused. It knows neither connections nor
// commands.
//
//	FORCE-RELEASE   Begin, the command, End   without a place for its record it is refused
//	wrong tokens    Count                     one record per address and minute
//	others          Note                      without a place the record is dropped and counted
//	                    |
//	                 queue -> goroutine "audit" -> Sink: a file of JSON lines, or the server's log
//
// No caller waits for the sink: a record goes into a bounded queue. While the sink fails, records
// stay in the queue and the goroutine tries again each second. Begin then refuses, because a
// command that leaves no record must not be executed. A command whose record is in the queue when
// the sink begins to fail was executed already; its record is written when the sink works again, or
// lost with the process.
//
// The last records are kept in memory, for those who look at them over the network.
//
// One mutex guards everything. Nothing else is locked and nothing is written under it.
package audit
