package admin

import (
	"time"

	"dlm/engine"
	"dlm/engine/observe"
	"dlm/table"
)

// statsAnswer are the counters and gauges of a server, in the words of INFO.
type statsAnswer struct {
	AtMs     int64 `json:"at_ms"`
	UptimeMs int64 `json:"uptime_ms"`

	Held         int `json:"locks_held"`
	Contended    int `json:"locks_contended"`
	Waiters      int `json:"waiters"`
	LocksLimit   int `json:"locks_limit"`
	WaitersLimit int `json:"waiters_limit"`

	Grants    uint64 `json:"grants"`
	Waited    uint64 `json:"grants_waited"`
	Reentries uint64 `json:"reentries"`
	OtherConn uint64 `json:"reentries_other_conn"`
	Renewals  uint64 `json:"renewals"`
	Releases  uint64 `json:"releases"`
	Expiries  uint64 `json:"expiries"`
	Forced    uint64 `json:"forced_releases"`
	TakenBack uint64 `json:"grants_taken_back"`
	Queued    uint64 `json:"queued"`
	TimeOuts  uint64 `json:"time_outs"`
	Cancels   uint64 `json:"canceled_waits"`
	Deadlocks uint64 `json:"deadlock_waits"`
	Claims    uint64 `json:"claims"`

	Conns         int64  `json:"connections"`
	ConnsLimit    int    `json:"connections_limit"`
	Guests        int64  `json:"guest_connections"`
	Accepted      uint64 `json:"accepted_connections"`
	Buffered      int64  `json:"buffered_bytes"`
	BufferedLimit int64  `json:"buffered_limit_bytes"`

	TableBytes  int64  `json:"table_bytes"`
	TableUsed   int64  `json:"table_used_bytes"`
	MemoryLimit int64  `json:"memory_limit_bytes"`
	Loops       int    `json:"loops"`
	Pauses      uint64 `json:"process_pauses"`
	LogDropped  uint64 `json:"log_records_dropped"`
	AuditLost   uint64 `json:"audit_records_dropped"`
	Denied      uint64 `json:"denied"`

	AuthFailures map[string]uint64            `json:"auth_failures"`
	Commands     map[string]map[string]uint64 `json:"commands"`
	Refused      map[string]uint64            `json:"connections_refused"`
	Closed       map[string]uint64            `json:"connections_closed"`

	LongestWaitMs int64           `json:"longest_wait_ms"` // of the last view
	LongestHoldMs int64           `json:"longest_hold_ms"`
	Histogram     histogramAnswer `json:"histogram"`
}

// histogramAnswer are the lengths of waits and holds that have ended. The buckets are not
// cumulative.
type histogramAnswer struct {
	LeMs        []*float64      `json:"le_ms"` // upper end of each bucket; null: it has none
	WaitGranted table.Histogram `json:"wait_granted"`
	WaitEnded   table.Histogram `json:"wait_ended"`
	Hold        table.Histogram `json:"hold"`
}

// apiStats answers the counters and gauges.
func (s *Server) apiStats(*call) (any, error) {
	st := s.engine.Stats()
	t := &st.Table
	a := &statsAnswer{
		AtMs: time.Now().UnixMilli(), UptimeMs: st.Uptime.Milliseconds(),
		Held: t.Held, Waiters: t.Waiters, LocksLimit: st.LocksMax, WaitersLimit: st.WaitersMax,
		Grants: t.Grants, Reentries: t.Reentries, OtherConn: t.ReentriesOtherConn, Renewals: t.Renewals,
		Releases: t.Releases, Expiries: t.Expiries, Forced: t.Forced, TakenBack: t.TakeBacks,
		Queued: t.Queued, TimeOuts: t.TimeOuts, Cancels: t.Cancels, Deadlocks: t.Deadlocks, Claims: t.Claims,
		Conns: st.Conns, ConnsLimit: st.ConnsMax, Guests: st.Guests, Accepted: st.Accepted,
		Buffered: st.Buffered, BufferedLimit: st.BufferedMax,
		TableBytes: t.Bytes, TableUsed: t.BytesUsed, MemoryLimit: st.MemoryMax, Loops: st.Loops,
		Pauses: st.Pauses, LogDropped: st.LogDropped, AuditLost: st.AuditDropped, Denied: st.Denied,
		AuthFailures: map[string]uint64{"lock_port": st.WrongTokens, "http": st.WrongHTTP},
		Commands:     map[string]map[string]uint64{}, Refused: byName(st.Refused), Closed: byName(st.Closed),
	}
	a.Contended, a.Waited = t.Contended, st.Measures.Granted.Count()
	wait, hold := s.engine.Observe().Longest()
	a.LongestWaitMs, a.LongestHoldMs = wait.Milliseconds(), hold.Milliseconds()
	a.Histogram = histogramAnswer{LeMs: observe.BucketsMs(), WaitGranted: st.Measures.Granted, WaitEnded: st.Measures.Waited, Hold: st.Measures.Held}
	for i, n := range a.Histogram.WaitGranted {
		a.Histogram.WaitEnded[i] -= n
	}
	for _, c := range st.Commands {
		if a.Commands[c.Command] == nil {
			a.Commands[c.Command] = map[string]uint64{}
		}
		a.Commands[c.Command][c.Result] = c.Count
	}
	return a, nil
}

func byName(list []engine.NamedCount) map[string]uint64 {
	m := map[string]uint64{}
	for _, n := range list {
		m[n.Name] = n.Count
	}
	return m
}
