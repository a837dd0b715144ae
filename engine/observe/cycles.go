package observe

import (
	"slices"

	"dlm/table"
)

// graph is the edges between services, by the numbers of the services.
type graph struct {
	number   map[uint64]int32
	from, to []int32 // of each edge: the numbers of its services
	edges    []table.Edge
	out      fans // edges from a service
}

func newGraph(edges []table.Edge) *graph {
	g := &graph{number: make(map[uint64]int32, len(edges)), edges: edges}
	g.from, g.to = make([]int32, len(edges)), make([]int32, len(edges))
	for i := range edges {
		g.from[i], g.to[i] = g.node(edges[i].Waiter), g.node(edges[i].Holder)
	}
	g.out = g.fan(g.from)
	return g
}

func (g *graph) node(service uint64) int32 {
	n, ok := g.number[service]
	if !ok {
		n = int32(len(g.number))
		g.number[service] = n
	}
	return n
}

// fans are the edges at one end of each service, all in one list.
type fans struct {
	begin []int32 // by service: where its edges begin; one more for the end
	edges []int32
}

func (f *fans) of(v int) []int32 { return f.edges[f.begin[v]:f.begin[v+1]] }
func (f *fans) len() int         { return len(f.begin) - 1 }

// fan sorts the edges by one of their ends.
func (g *graph) fan(end []int32) (f fans) {
	f.begin, f.edges = make([]int32, len(g.number)+2), make([]int32, len(end))
	for _, v := range end {
		f.begin[v+2]++
	}
	for v := 2; v < len(f.begin); v++ {
		f.begin[v] += f.begin[v-1]
	}
	for i, v := range end {
		f.edges[f.begin[v+1]] = int32(i)
		f.begin[v+1]++
	}
	f.begin = f.begin[:len(g.number)+1]
	return f
}

// components returns, for each service, the number of its strongly connected component (Tarjan
// 1972). It keeps its own stack, because a chain of services can be long.
func (g *graph) components() (of []int) {
	n := g.out.len()
	of = make([]int, n)
	order, low, next := make([]int, n), make([]int, n), make([]int, n)
	open := make([]bool, n)
	var path, stack []int
	seen, count := 0, 0
	visit := func(v int) {
		seen++
		order[v], low[v], open[v] = seen, seen, true
		path, stack = append(path, v), append(stack, v)
	}
	for root := range n {
		if order[root] != 0 {
			continue
		}
		for visit(root); len(path) > 0; {
			v := path[len(path)-1]
			if out := g.out.of(v); next[v] < len(out) {
				to := int(g.to[out[next[v]]])
				next[v]++
				switch {
				case order[to] == 0:
					visit(to)
				case open[to]:
					low[v] = min(low[v], order[to])
				}
				continue
			}
			path = path[:len(path)-1]
			if len(path) > 0 {
				up := path[len(path)-1]
				low[up] = min(low[up], low[v])
			}
			if low[v] != order[v] {
				continue
			}
			for w := -1; w != v; {
				w = stack[len(stack)-1]
				stack = stack[:len(stack)-1]
				of[w], open[w] = count, false
			}
			count++
		}
	}
	return of
}

// cyclic returns the edges that are part of a cycle: those within a component.
func cyclic(edges []table.Edge) (inside []table.Edge) {
	g := newGraph(edges)
	of := g.components()
	for i := range edges {
		if from, to := g.from[i], g.to[i]; from != to && of[from] == of[to] {
			inside = append(inside, edges[i])
		}
	}
	return inside
}

// cyclesOf returns a shortest cycle through one service of each component. All edges are within
// components.
func cyclesOf(edges []table.Edge) (cycles [][]table.Edge) {
	g := newGraph(edges)
	of := g.components()
	done := map[int]bool{}
	for start := range g.out.len() {
		if !done[of[start]] {
			done[of[start]] = true
			cycles = append(cycles, g.path(start, start))
		}
	}
	return cycles
}

// path returns a shortest path from one service to another, or back to the same. There is one.
func (g *graph) path(start, end int) (path []table.Edge) {
	came := map[int]int32{} // the edge by which a service was reached
	for queue := []int{start}; len(queue) > 0; queue = queue[1:] {
		for _, edge := range g.out.of(queue[0]) {
			to := int(g.to[edge])
			if _, seen := came[to]; seen {
				continue
			}
			came[to] = edge
			if to != end {
				queue = append(queue, to)
				continue
			}
			for at := end; len(path) == 0 || at != start; {
				path = append(path, g.edges[came[at]])
				at = int(g.from[came[at]])
			}
			slices.Reverse(path)
			return path
		}
	}
	panic("BUG: no path within a component")
}
