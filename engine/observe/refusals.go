package observe

import (
	"context"

	"dlm/table"
)

// refuseRounds is how often one look takes requests away and goes on with the cycles that are left.
// The next look finds the rest.
const refuseRounds = 16

// Refusal is a request with DETECT in a cycle of services that wait for each other.
type Refusal struct {
	Wait  table.WaiterRef
	Cycle []table.WaitsFor // its own edge first
}

// Refusals are the requests with DETECT that one look for deadlocks wants to be refused.
type Refusals struct {
	Table   *table.Table
	Waiting int // requests with DETECT that the look has met
	List    []Refusal
}

// Detect lets a look for deadlocks begin soon, because a request with DETECT waits. Any goroutine
// may call it.
func (o *Observer) Detect() {
	o.deadlocks.hurry.Store(true)
	o.ring()
}

// Detecting reports whether the last look has met a request with DETECT.
func (o *Observer) Detecting() bool {
	v := o.deadlocks.peek()
	return v != nil && v.refusals.Waiting > 0
}

// NextRefusals returns those of the next look for deadlocks; nil if ctx ends before. after are the
// last ones, or nil.
func (o *Observer) NextRefusals(ctx context.Context, after *Refusals) *Refusals {
	if !o.runs.Load() {
		o.deadlocks.renew(o)
	}
	for v := o.deadlocks.peek(); ; v = o.deadlocks.after(ctx, v) {
		if v != nil && v.refusals != after {
			return v.refusals
		}
		if ctx.Err() != nil {
			return nil
		}
	}
}

// find chooses, of each component, the request with DETECT that began last, until no cycle with
// such a request is left. All edges are within components, and stood at one moment.
func (r *Refusals) find(edges []table.Edge, words map[table.Edge]table.WaitsFor) {
	for range refuseRounds {
		g := newGraph(edges)
		of := g.components()
		last := map[int]*table.Edge{} // by component
		for i := range edges {
			e := &edges[i]
			if was := last[of[g.to[i]]]; e.Detect && (was == nil || e.Began > was.Began) {
				last[of[g.to[i]]] = e
			}
		}
		if len(last) == 0 {
			return
		}
		gone := map[table.WaiterRef]bool{}
		for i := range edges {
			e := &edges[i]
			if last[of[g.to[i]]] != e {
				continue
			}
			loop := append([]table.Edge{*e}, g.path(int(g.to[i]), int(g.from[i]))...)
			if c, ok := cycleIn(words, loop); ok {
				r.List = append(r.List, Refusal{e.Wait, c})
			}
			gone[e.Wait] = true
		}
		var left []table.Edge
		for i := range edges {
			if !gone[edges[i].Wait] {
				left = append(left, edges[i])
			}
		}
		edges = cyclic(stuck(left))
	}
}
