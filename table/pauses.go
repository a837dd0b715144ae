package table

import "sync/atomic"

// Pauses has what the caller's clock knows of times in which the process did not run. The caller
// may change the numbers at any time. Each call that ends a lease or a wait reads them.
//
//	lease time    table time - Lag     a lease has ended if its deadline has come in lease time
//	table time                         from it leases begin to run
//	wait time     table time + Late    a wait has ended if its deadline has come in wait time
//
// So a lease is never shorter than table time says, but its end waits for Lag to fall. The caller
// lowers Lag when the heartbeats that arrived during the pause have been executed.
type Pauses struct {
	Lag atomic.Int64 // ns; 0 except shortly after a pause
	// ns, whole ms, only grows; the time that table time has left out of long pauses
	Late atomic.Int64
}

// SharePauses makes the table read the numbers of the caller's clock. The caller calls it before
// all other methods; without it there are no pauses.
func (t *Table) SharePauses(p *Pauses) { t.pauses = p }

// Pauses returns the numbers that the table reads.
func (t *Table) Pauses() *Pauses { return t.pauses }

// leaseNow returns the lease time, in ns.
func (s *Shard) leaseNow() int64 { return max(0, s.now-s.table.pauses.Lag.Load()) }

// waitNow returns the wait time, in ns.
func (s *Shard) waitNow() int64 { return s.now + s.table.pauses.Late.Load() }

// waitDue returns the tick of table time at which a tick of wait time comes, if there is no
// further pause.
func (s *Shard) waitDue(tick uint64) uint64 {
	late := uint64(s.table.pauses.Late.Load()) / nsPerTick
	return tick - min(tick, late)
}

// Hasten publishes the due ticks of all shards again. The caller calls it after Late has grown,
// because waits end earlier then. The caller holds no shard.
func (t *Table) Hasten() {
	for s := range t.Locked() {
		s.publishDue()
	}
}
