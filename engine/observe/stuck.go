package observe

import "dlm/table"

// stuck returns the edges of requests that wait for ever, to holders that wait for ever too, if no
// wait and no lease ends. It supposes that all services with a request do, and takes away those of
// which it is not true, until nothing changes. A request waits for ever if a holder of a shared or
// exclusive lock does, and for a permit only if all others who hold one do. A service waits for
// ever if one of its requests does.
//
// The edges of one request follow each other, and so do those that are returned.
func stuck(edges []table.Edge) (left []table.Edge) {
	g := newGraph(edges)
	request := make([]int32, len(edges)) // of each edge
	spare := []int32{}                   // by request: edges more than it needs to wait for ever
	waits := make([]int32, g.out.len())  // by service: requests that wait for ever
	for i := range edges {
		e := &edges[i]
		if i == 0 || e.Wait != edges[i-1].Wait {
			spare = append(spare, -max(1, int32(e.Others)))
		}
		request[i] = int32(len(spare) - 1)
		if spare[request[i]]++; spare[request[i]] == 0 {
			waits[g.from[i]]++
		}
	}
	into := g.fan(g.to)
	var free []int
	for v := range waits {
		if waits[v] == 0 {
			free = append(free, v)
		}
	}
	for len(free) > 0 {
		v := free[len(free)-1]
		free = free[:len(free)-1]
		for _, i := range into.of(v) {
			if spare[request[i]]--; spare[request[i]] != -1 {
				continue
			}
			from := g.from[i]
			if waits[from]--; waits[from] == 0 {
				free = append(free, int(from))
			}
		}
	}
	for i := range edges {
		if spare[request[i]] >= 0 && waits[g.to[i]] > 0 {
			left = append(left, edges[i])
		}
	}
	return left
}

// ahead returns the edges of services on a cycle, and of those for whom they wait, directly or not.
// It leaves out the services that only wait for these.
func ahead(edges []table.Edge) (left []table.Edge) {
	g := newGraph(edges)
	of := g.components()
	reached := make([]bool, g.out.len())
	var open []int
	reach := func(v int) {
		if !reached[v] {
			reached[v] = true
			open = append(open, v)
		}
	}
	for i := range edges {
		if from := int(g.from[i]); of[from] == of[g.to[i]] {
			reach(from)
		}
	}
	for len(open) > 0 {
		v := open[len(open)-1]
		open = open[:len(open)-1]
		for _, i := range g.out.of(v) {
			reach(int(g.to[i]))
		}
	}
	for i := range edges {
		if reached[g.from[i]] {
			left = append(left, edges[i])
		}
	}
	return left
}
