package admin

import (
	"runtime"

	"github.com/prometheus/client_golang/prometheus"

	"dlm/engine"
)

const (
	gauge   = prometheus.GaugeValue
	counter = prometheus.CounterValue
)

// families are the metrics of the engine, in the words of INFO and the documents.
var families = []family{
	{"dlm_build_info", gauge, "1, labelled with the versions of the server and of Go, and the commit.", []string{"version", "revision", "go"},
		func(s *engine.Stats, out func(float64, ...string)) { out(1, s.Version, s.Revision, runtime.Version()) }},
	{"dlm_role", gauge, "1 for the present role: primary or backup.", []string{"role"},
		func(s *engine.Stats, out func(float64, ...string)) {
			out(truth(!s.Backup), "primary")
			out(truth(s.Backup), "backup")
		}},
	number("dlm_ready", gauge, "1 if clients can be sent here.",
		func(s *engine.Stats) float64 { return truth(s.Ready) }),
	number("dlm_loops", gauge, "Event loops.",
		func(s *engine.Stats) float64 { return float64(s.Loops) }),
	number("dlm_process_pauses_total", counter, "Pauses of the process that table time leaves out.",
		func(s *engine.Stats) float64 { return float64(s.Pauses) }),
	number("dlm_process_paused_seconds_total", counter, "Part of these pauses that table time has left out.",
		func(s *engine.Stats) float64 { return s.Paused.Seconds() }),
	number("dlm_log_records_dropped_total", counter, "Log records that were not written, because nobody read the log.",
		func(s *engine.Stats) float64 { return float64(s.LogDropped) }),
	number("dlm_audit_records_dropped_total", counter, "Records of the audit that found no room.",
		func(s *engine.Stats) float64 { return float64(s.AuditDropped) }),
	number("dlm_audit_failing", gauge, "1 while the audit can't be written and commands of admins are refused.",
		func(s *engine.Stats) float64 { return truth(s.AuditError != nil) }),

	{"dlm_connections", gauge, "Open connections, by transport: tcp, tls or unix.", []string{"transport"},
		func(s *engine.Stats, out func(float64, ...string)) {
			for _, by := range s.ConnsBy {
				out(float64(by.Open), by.Name)
			}
		}},
	number("dlm_connections_limit", gauge, "Most open connections.",
		func(s *engine.Stats) float64 { return float64(s.ConnsMax) }),
	number("dlm_guest_connections", gauge, "Connections beyond the limit, on which holders renew and release.",
		func(s *engine.Stats) float64 { return float64(s.Guests) }),
	{"dlm_connections_accepted_total", counter, "Accepted connections, by transport.", []string{"transport"},
		func(s *engine.Stats, out func(float64, ...string)) {
			for _, by := range s.ConnsBy {
				out(float64(by.Accepted), by.Name)
			}
		}},
	named("dlm_connections_refused_total", "reason", "Connections that were not served.",
		func(s *engine.Stats) []engine.NamedCount { return s.Refused }),
	named("dlm_connections_closed_total", "reason", "Connections that the server ended.",
		func(s *engine.Stats) []engine.NamedCount { return s.Closed }),
	number("dlm_reads_total", counter, "Reads from connections; commands per read are the depth of pipelines.",
		func(s *engine.Stats) float64 { return float64(s.Traffic.Reads) }),
	number("dlm_received_bytes_total", counter, "Bytes that clients have sent.",
		func(s *engine.Stats) float64 { return float64(s.Traffic.Received) }),
	number("dlm_sent_bytes_total", counter, "Bytes that were sent to clients.",
		func(s *engine.Stats) float64 { return float64(s.Traffic.Sent) }),
	number("dlm_connection_buffer_bytes", gauge, "Bytes in the buffers of all connections.",
		func(s *engine.Stats) float64 { return float64(s.Buffered) }),
	number("dlm_connection_buffer_limit_bytes", gauge, "Most bytes in the buffers of all connections.",
		func(s *engine.Stats) float64 { return float64(s.BufferedMax) }),
	number("dlm_tls_connections", gauge, "Open connections over TLS, guests too.",
		func(s *engine.Stats) float64 { return float64(s.ConnsTLS) }),
	named("dlm_tls_handshakes_total", "result", "TLS handshakes of the lock port.",
		func(s *engine.Stats) []engine.NamedCount { return s.Handshakes }),
	named("dlm_tls_reloads_total", "result", "Changes of certificate files.",
		func(s *engine.Stats) []engine.NamedCount { return s.Certs.Reloads }),
	{"dlm_tls_certificate_expiry_timestamp_seconds", gauge, "When the certificate ends, of several the first.", []string{"use"},
		func(s *engine.Stats, out func(float64, ...string)) {
			for _, end := range s.Certs.Ends {
				out(float64(end.At.Unix()), end.Use)
			}
		}},
	{"dlm_commands_total", counter, "Answered commands, by verb and outcome.", []string{"command", "result"},
		func(s *engine.Stats, out func(float64, ...string)) {
			for _, c := range s.Commands {
				out(float64(c.Count), c.Command, c.Result)
			}
		}},
	named("dlm_limit_hits_total", "limit", "Commands and connections refused at a limit, by the limit; also a connection that was closed without a word.",
		func(s *engine.Stats) []engine.NamedCount { return s.LimitHits }),
	{"dlm_auth_failures_total", counter, "Wrong tokens, by where they were shown.", []string{"surface"},
		func(s *engine.Stats, out func(float64, ...string)) {
			out(float64(s.WrongTokens), "lock_port")
			out(float64(s.WrongHTTP), "http")
		}},
	number("dlm_denied_admin_commands_total", counter, "Requests that were refused for the lack of a role.",
		func(s *engine.Stats) float64 { return float64(s.Denied) }),

	number("dlm_locks_held", gauge, "Locks that are held.",
		func(s *engine.Stats) float64 { return float64(s.Table.Held) }),
	number("dlm_locks_limit", gauge, "Most locks that can be held.",
		func(s *engine.Stats) float64 { return float64(s.LocksMax) }),
	number("dlm_locks_contended", gauge, "Locks for which requests wait.",
		func(s *engine.Stats) float64 { return float64(s.Table.Contended) }),
	number("dlm_deadlocks", gauge, "Cycles of services that waited for each other when the last view was made, at most 100.",
		func(s *engine.Stats) float64 { return float64(s.Deadlocks) }),
	number("dlm_deadlocked_services", gauge, "Services in these cycles.",
		func(s *engine.Stats) float64 { return float64(s.Deadlocked) }),
	number("dlm_longest_wait_seconds", gauge, "Longest wait of a request that still waited when the last view was made, at most 60 s ago.",
		func(s *engine.Stats) float64 { return s.LongestWait.Seconds() }),
	number("dlm_longest_hold_seconds", gauge, "Longest hold when the last view was made, at most 60 s ago.",
		func(s *engine.Stats) float64 { return s.LongestHold.Seconds() }),
	number("dlm_waiters", gauge, "Requests that wait.",
		func(s *engine.Stats) float64 { return float64(s.Table.Waiters) }),
	number("dlm_waiters_limit", gauge, "Most requests that can wait.",
		func(s *engine.Stats) float64 { return float64(s.WaitersMax) }),
	named("dlm_grants_total", "path", "Holds given, immediately or after a wait. Re-entries and upgrades are not among them.",
		func(s *engine.Stats) []engine.NamedCount {
			return []engine.NamedCount{{Name: "immediate", Count: s.Table.Grants - s.Table.GrantsWaited},
				{Name: "waited", Count: s.Table.GrantsWaited}}
		}),
	number("dlm_reentries_total", counter, "Counts added to holds, immediately or after a wait.",
		func(s *engine.Stats) float64 { return float64(s.Table.Reentries) }),
	number("dlm_upgrades_total", counter, "Shared holds that became exclusive, immediately or after a wait.",
		func(s *engine.Stats) float64 { return float64(s.Table.Upgrades) }),
	number("dlm_renewals_total", counter, "Accepted heartbeats.",
		func(s *engine.Stats) float64 { return float64(s.Table.Renewals) }),
	named("dlm_holds_ended_total", "cause", "Holds that ended.",
		func(s *engine.Stats) []engine.NamedCount {
			return []engine.NamedCount{{Name: "released", Count: s.Table.Releases}, {Name: "expired", Count: s.Table.Expiries},
				{Name: "forced", Count: s.Table.Forced}, {Name: "taken_back", Count: s.Table.TakeBacks}}
		}),
	number("dlm_waits_begun_total", counter, "Requests that had to wait.",
		func(s *engine.Stats) float64 { return float64(s.Table.Queued) }),
	named("dlm_waits_ended_total", "outcome", "Waits that ended, by how. The wait of an upgrade ends not_held if its shared hold has ended.",
		func(s *engine.Stats) []engine.NamedCount { return s.WaitsEnded }),
	number("dlm_table_bytes", gauge, "Memory of the lock table.",
		func(s *engine.Stats) float64 { return float64(s.Table.Bytes) }),
	number("dlm_table_used_bytes", gauge, "Part of the lock table's memory that present locks and waiters use.",
		func(s *engine.Stats) float64 { return float64(s.Table.BytesUsed) }),
	number("dlm_memory_limit_bytes", gauge, "Resident memory from which on the lock table takes no more; 0: no limit.",
		func(s *engine.Stats) float64 { return float64(s.MemoryMax) }),

	image("dlm_image_age_seconds", "What a crash would cost: for how long the table may have differed from the newest image.",
		func(s *engine.Stats) float64 { return sinceSeconds(s.Image.AsOf) }),
	image("dlm_image_bytes", "Size of the newest image.",
		func(s *engine.Stats) float64 { return float64(s.Image.Header.Length) }),
	image("dlm_image_holds", "Holds in the newest image.",
		func(s *engine.Stats) float64 { return float64(s.Image.Header.Holds) }),
	image("dlm_image_duration_seconds", "Time that the newest image took.",
		func(s *engine.Stats) float64 { return s.Image.Took.Seconds() }),
	image("dlm_image_lock_max_seconds", "Longest time for which the newest image kept a part of the table locked.",
		func(s *engine.Stats) float64 { return s.Image.LockMax.Seconds() }),
	{"dlm_image_interval_seconds", gauge, "Time between images; of a backup, between questions for a newer one.", nil,
		func(s *engine.Stats, out func(float64, ...string)) {
			if s.Durable {
				out(s.Interval.Seconds())
			}
		}},
	{"dlm_images_total", counter, "Images of this start, by result.", []string{"result"},
		func(s *engine.Stats, out func(float64, ...string)) {
			if s.Durable && !s.Backup {
				out(float64(s.ImageCount), "written")
				out(float64(s.Image.Failures), "failed")
			}
		}},
	number("dlm_recovery_grace_seconds", gauge, "Time until a recovered server grants locks; 0: it does.",
		func(s *engine.Stats) float64 { return s.GraceLeft.Seconds() }),
	number("dlm_claims_total", counter, "Holds that a recovery believed without an image of them.",
		func(s *engine.Stats) float64 { return float64(s.Table.Claims) }),
	backup("dlm_backup_staleness_seconds", gauge, "For how long the primary may have differed from what the backup has.",
		func(s *engine.Stats) float64 { return s.Staleness.Seconds() }),
	{"dlm_backup_fetches_total", counter, "Times that the backup has asked its primary for a newer image, by result.", []string{"result"},
		func(s *engine.Stats, out func(float64, ...string)) {
			if s.Backup {
				out(float64(s.Fetches), "ok")
				out(float64(s.FetchFails), "failed")
			}
		}},
}
