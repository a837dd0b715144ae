package engine

import (
	"context"
	"sync"

	"dlm/engine/auth"
	"dlm/table"
)

// Quotas bound what one client takes from the others. Locks and waiting requests are counted by the
// table, by service (table/tenant.go), because a connection may end while its holds stay.
// Connections are counted here, by the name of the token.

// connQuotas counts the connections of tokens that have a quota of them. Any goroutine may use it.
type connQuotas struct {
	mu   sync.Mutex
	open map[string]int // by name of the token; guarded by mu
}

// take counts a connection of that token, and reports whether it did. most is the quota; 0: the
// connection is counted in any case.
func (q *connQuotas) take(name string, most int) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.open == nil {
		q.open = make(map[string]int)
	}
	if most > 0 && q.open[name] >= most {
		return false
	}
	q.open[name]++
	return true
}

func (q *connQuotas) giveBack(name string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.open[name]--; q.open[name] == 0 {
		delete(q.open, name)
	}
}

// roomFor reports whether the quota of the identity has room for the connection, and counts it
// then. A connection that has shown the token before keeps its place.
func (r *reactor) roomFor(c *conn, who *auth.Identity) bool {
	if who.ConnsMax == 0 || c.quotaOf == who.Name {
		return true
	}
	if !r.e.connQuotas.take(who.Name, who.ConnsMax) {
		return false
	}
	c.leaveQuota()
	c.quotaOf = who.Name
	return true
}

// enterQuota counts the connection for the token of its identity, without a limit: the token was
// shown before it had a quota.
func (c *conn) enterQuota() {
	if c.who.ConnsMax == 0 {
		c.leaveQuota()
		return
	}
	if c.quotaOf != c.who.Name {
		c.r.e.connQuotas.take(c.who.Name, 0)
		c.leaveQuota()
		c.quotaOf = c.who.Name
	}
}

func (c *conn) leaveQuota() {
	if c.quotaOf != "" {
		c.r.e.connQuotas.giveBack(c.quotaOf)
		c.quotaOf = ""
	}
}

// quotas returns the present quotas for a table.
func (e *Engine) quotas() (list []table.Quota) {
	for _, q := range e.authority.Load().Quotas() {
		list = append(list, table.Quota{Services: q.Services, LocksMax: q.Locks, WaitersMax: q.Waiters})
	}
	return list
}

// applyQuotas gives the present quotas to the table that is served. After a change of tokens it
// runs when all loops know the identities of their connections: before that, connections that act
// for services with a quota may send commands past the counts.
func (e *Engine) applyQuotas() {
	e.quotaMu.Lock()
	defer e.quotaMu.Unlock()
	gen := e.tokensGen.Load()
	if !e.allKnow(gen) {
		return // the next sweep tries again
	}
	if served := e.store.State(); !served.Follows() {
		served.Table.SetQuotas(e.quotas())
	}
	e.quotasGen.Store(gen)
}

// allKnow reports whether all loops with connections know that change of tokens.
func (e *Engine) allKnow(gen uint64) bool {
	for _, r := range e.reactors {
		if r.wakeLoop.Load() != nil && r.knownTokens.Load() < gen {
			return false
		}
	}
	return true
}

// rechecked notes that a loop knows a change of tokens.
func (e *Engine) rechecked(r *reactor, gen uint64) {
	r.knownTokens.Store(gen)
	e.quotasMayBeDue()
}

// quotasMayBeDue wakes the goroutine "quotas" if all loops know the last change of tokens.
func (e *Engine) quotasMayBeDue() {
	if e.allKnow(e.tokensGen.Load()) {
		e.quotasDue.give()
	}
}

// runQuotas is the goroutine "quotas". It counts holds anew when quotas have changed, which takes
// too long for a loop or the ticker.
func (e *Engine) runQuotas(ctx context.Context) { e.quotasDue.each(ctx, e.applyQuotas) }
