package engine

import (
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"slices"
	"strings"
	"time"

	"dlm/codec"
	"dlm/engine/durability"
	"dlm/engine/snapshot"
)

// infoSections are the parts of INFO in their order.
var infoSections = []struct {
	name  string
	write func(*Engine, []byte) []byte
}{
	{"Server", (*Engine).infoServer},
	{"Clients", (*Engine).infoClients},
	{"Locks", (*Engine).infoLocks},
	{"Durability", (*Engine).infoDurability},
	{"Commands", (*Engine).infoCommands},
	{"Memory", (*Engine).infoMemory},
	{"Replication", (*Engine).infoReplication},
	{"Persistence", (*Engine).infoPersistence},
}

// info answers INFO with all sections, or with those that were named.
func (r *reactor) info() {
	r.publishStats()
	sections := uint32(0)
	for i, s := range infoSections {
		if wantsSection(r.cmd.Args, s.name) {
			sections |= 1 << i
		}
	}
	made := false
	if r.text, made = r.e.appendInfo(r.text[:0], sections, r.now); made {
		r.cost += costMake
	}
	r.cost += costInfo
	r.w.Info(r.text)
	r.count(codec.VerbInfo, codec.OK)
}

func infoLine[T any](b []byte, name string, value T) []byte {
	return fmt.Appendf(b, "%s:%v\r\n", name, value)
}

func (e *Engine) infoServer(b []byte) []byte {
	b = infoLine(b, "redis_version", redisVersion)
	b = infoLine(b, "redis_mode", "standalone")
	b = infoLine(b, "dlm_version", e.cfg.Version)
	b = infoLine(b, "go_version", runtime.Version())
	b = infoLine(b, "process_id", os.Getpid())
	b = infoLine(b, "tcp_address", e.Addr())
	if addr := e.AddrTLS(); addr != nil {
		b = infoLine(b, "tls_address", addr)
	}
	b = infoLine(b, "uptime_in_seconds", int64(e.uptime().Seconds()))
	b = infoLine(b, "loops", len(e.reactors))
	b = infoLine(b, "process_pauses", e.clock.Gaps())
	if e.cfg.LogDropped != nil {
		b = infoLine(b, "log_records_dropped", e.cfg.LogDropped())
	}
	dropped, failure := e.audit.State()
	b = infoLine(b, "audit_records_dropped", dropped)
	if failure != nil {
		b = infoLine(b, "audit_error", failure)
	}
	b = infoLine(b, "ttl_max_ms", e.store.State().TTLMaxMs)
	return infoLine(b, "default_lease_ms", e.cfg.Lease.Milliseconds())
}

func (e *Engine) infoClients(b []byte) []byte {
	b = infoLine(b, "connected_clients", e.conns.Load())
	b = infoLine(b, "maxclients", e.connsMax)
	b = infoLine(b, "tls_clients", e.places.tls.Load())
	b = infoLine(b, "guest_clients", e.places.guests.Load())
	b = infoLine(b, "turned_away_clients", e.places.turned.Load())
	b = infoLine(b, "known_addresses", e.addresses.size())
	b = infoLine(b, "accepted_connections", e.acceptedConns())
	traffic := e.traffic()
	b = infoLine(b, "reads", traffic.Reads)
	b = infoLine(b, "received_bytes", traffic.Received)
	b = infoLine(b, "sent_bytes", traffic.Sent)
	b = infoLine(b, "slow_clients_closed", e.slowClosed.Load())
	for why, name := range rejectionNames {
		if name == "" {
			continue
		}
		b = infoLine(b, "rejected_"+name, e.rejected[why].Load())
	}
	for _, n := range e.limitCounts() {
		b = infoLine(b, "limit_hits_"+n.Name, n.Count)
	}
	watches, notices := e.events.Subscriptions()
	b = infoLine(b, "watched_prefixes", watches)
	b = infoLine(b, "notified_prefixes", notices)
	b = infoLine(b, "events_missed", e.events.Missed.Load())
	b = e.infoAttempts(b)
	b = infoLine(b, "denied_admin_commands", e.denied.Load())
	return infoLine(b, "buffered_bytes", e.buffers.total.Load())
}

// infoAttempts adds what INFO tells about wrong tokens.
func (e *Engine) infoAttempts(b []byte) []byte {
	n := e.attempts.Counts()
	b = infoLine(b, "wrong_tokens", n.Total)
	b = infoLine(b, "wrong_tokens_http", n.HTTP)
	b = infoLine(b, "wrong_tokens_delayed", n.Delayed)
	return infoLine(b, "wrong_token_addresses", n.Addresses)
}

func (e *Engine) infoLocks(b []byte) []byte {
	t := e.tab().Totals()
	b = infoLine(b, "locks_held", t.Held)
	b = infoLine(b, "waiters", t.Waiters)
	b = infoLine(b, "detached_waiters", t.Detached)
	b = infoLine(b, "retries", t.Requests)
	b = infoLine(b, "grants", t.Grants)
	b = infoLine(b, "reentries", t.Reentries)
	b = infoLine(b, "reentries_other_conn", t.ReentriesOtherConn)
	b = infoLine(b, "renewals", t.Renewals)
	b = infoLine(b, "releases", t.Releases)
	b = infoLine(b, "queued", t.Queued)
	b = infoLine(b, "time_outs", t.TimeOuts)
	b = infoLine(b, "canceled_waits", t.Cancels)
	b = infoLine(b, "deadlock_waits", t.Deadlocks)
	b = infoLine(b, "detached_waits", t.Detaches)
	b = infoLine(b, "repeats", t.Repeats)
	b = infoLine(b, "expiries", t.Expiries)
	b = infoLine(b, "forced_releases", t.Forced)
	b = infoLine(b, "grants_taken_back", t.TakeBacks)
	b = infoLine(b, "table_bytes", t.Bytes)
	b = infoLine(b, "table_bytes_given_back", e.trimmer.given.Load())
	return infoLine(b, "table_bytes_used", t.BytesUsed)
}

// infoDurability says what a crash would lose at this moment, and what the last crash did.
func (e *Engine) infoDurability(b []byte) []byte {
	is := e.store.State()
	switch is.Role {
	case durability.Memory:
		return infoLine(b, "durability", "memory")
	case durability.Backup:
		return e.infoBackup(b, is)
	}
	b = infoLine(b, "durability", "snapshot")
	b = infoLine(b, "start_number", is.Start.Number)
	b = infoLine(b, "lineage", is.Start.Lineage)
	b = infoLine(b, "recovered", is.Origin())
	b = infoLine(b, "recovered_holds", is.Holds)
	b = infoLine(b, "recovery_grace_left_ms", is.GraceLeft(e.clock.Now()).Milliseconds())
	b = infoLine(b, "claims", is.Table.Totals().Claims)
	b = infoLine(b, "token_ceiling", uint64(is.Table.TokenCeiling()))
	s, _ := e.store.Images()
	if s.Path != "" {
		b = infoLine(b, "image", snapshot.Name(s.Path))
		b = infoLine(b, "image_age_ms", time.Since(s.AsOf).Milliseconds())
		b = infoLine(b, "image_written_ms_ago", time.Since(s.Written).Milliseconds())
		b = infoLine(b, "images_not_needed", s.Same)
		b = infoLine(b, "image_holds", s.Header.Holds)
		b = infoLine(b, "image_bytes", s.Header.Length)
		b = infoLine(b, "image_took_ms", s.Took.Milliseconds())
		b = infoLine(b, "image_cpu_ms", s.CPU.Milliseconds())
		b = infoLine(b, "image_lock_p99_us", s.LockP99.Microseconds())
		b = infoLine(b, "image_lock_max_us", s.LockMax.Microseconds())
	}
	return infoFailures(b, s.Failures, s.Problem)
}

// infoBackup writes what a backup knows of its primary.
func (e *Engine) infoBackup(b []byte, is *durability.State) []byte {
	f, _ := e.store.Following()
	b = infoLine(b, "durability", "backup")
	b = infoLine(b, "backup_of", e.cfg.BackupOf)
	b = infoLine(b, "image", is.From)
	b = infoLine(b, "image_holds", is.Header.Holds)
	b = infoLine(b, "token_ceiling", uint64(is.LargestToken()))
	if is.From != "" {
		b = infoLine(b, "image_age_ms", is.Staleness().Milliseconds())
	}
	if !f.Asked.IsZero() {
		b = infoLine(b, "primary_answered_ms_ago", time.Since(f.Asked).Milliseconds())
	}
	return infoFailures(b, f.Failures, f.Problem)
}

func infoFailures(b []byte, failures uint64, problem string) []byte {
	b = infoLine(b, "image_failures", failures)
	if problem != "" {
		b = infoLine(b, "image_last_error", problem)
	}
	return b
}

// infoCommands writes a line per verb that was used: how often, and how often
// with which outcome.
func (e *Engine) infoCommands(b []byte) []byte {
	sum := e.commandTotals()
	for v := range codec.VerbCount {
		results := sum[statIndex(v, 0):statIndex(v+1, 0)]
		total := uint64(0)
		for _, n := range results {
			total += n
		}
		if total == 0 {
			continue
		}
		b = fmt.Appendf(b, "cmd_%s:calls=%d", verbWord(v), total)
		for code, n := range results {
			if n > 0 {
				b = fmt.Appendf(b, ",%s=%d", strings.ToLower(codec.Code(code).String()), n)
			}
		}
		b = append(b, "\r\n"...)
	}
	return b
}

func (e *Engine) infoMemory(b []byte) []byte {
	samples := []metrics.Sample{
		{Name: "/memory/classes/total:bytes"},
		{Name: "/memory/classes/heap/released:bytes"},
		{Name: "/memory/classes/heap/objects:bytes"},
		{Name: "/gc/cycles/total:gc-cycles"},
		{Name: "/gc/heap/allocs:objects"},
		// several share a block, and the former counts blocks
		{Name: "/gc/heap/tiny/allocs:objects"},
	}
	metrics.Read(samples)
	var collections debug.GCStats
	debug.ReadGCStats(&collections)
	b = infoLine(b, "used_memory", samples[2].Value.Uint64())
	b = infoLine(b, "mapped_memory", samples[0].Value.Uint64()-samples[1].Value.Uint64())
	if rss := residentBytes(); rss > 0 {
		b = infoLine(b, "used_memory_rss", rss)
	}
	b = infoLine(b, "allocated_objects", samples[4].Value.Uint64()+samples[5].Value.Uint64())
	b = infoLine(b, "gc_cycles", samples[3].Value.Uint64())
	b = infoLine(b, "gc_pauses_us", collections.PauseTotal.Microseconds())
	b = infoLine(b, "gc_longest_pause_us", longest(collections.Pause).Microseconds())
	return infoLine(b, "max_memory", e.cfg.MemoryMax)
}

// longest returns the longest of the pauses. The runtime keeps those of its last 256 collections.
func longest(pauses []time.Duration) time.Duration {
	if len(pauses) == 0 {
		return 0
	}
	return slices.Max(pauses)
}
