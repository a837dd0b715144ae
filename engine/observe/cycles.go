package observe

import (
	"slices"

	"dlm/table"
)

// graph is the edges between services, by the numbers of the services.
type graph struct {
	number map[uint64]int
	out    [][]int // edges from a service
	edges  []table.Edge
}

func newGraph(edges []table.Edge) *graph {
	g := &graph{number: map[uint64]int{}, edges: edges}
	for i := range edges {
		from := g.node(edges[i].Waiter)
		g.node(edges[i].Holder)
		g.out[from] = append(g.out[from], i)
	}
	return g
}

func (g *graph) node(service uint64) int {
	n, ok := g.number[service]
	if !ok {
		n = len(g.out)
		g.number[service], g.out = n, append(g.out, nil)
	}
	return n
}

// target returns the service that an edge leads to.
func (g *graph) target(edge int) int { return g.number[g.edges[edge].Holder] }

// components returns, for each service, the number of its strongly connected component (Tarjan
// 1972). It keeps its own stack, because a chain of services can be long.
func (g *graph) components() (of []int) {
	n := len(g.out)
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
			if next[v] < len(g.out[v]) {
				to := g.target(g.out[v][next[v]])
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
		if from, to := g.number[edges[i].Waiter], g.target(i); from != to && of[from] == of[to] {
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
	for start := range g.out {
		if !done[of[start]] {
			done[of[start]] = true
			cycles = append(cycles, g.path(start, start))
		}
	}
	return cycles
}

// path returns a shortest path from one service to another, or back to the same. There is one.
func (g *graph) path(start, end int) (path []table.Edge) {
	came := map[int]int{} // the edge by which a service was reached
	for queue := []int{start}; len(queue) > 0; queue = queue[1:] {
		for _, edge := range g.out[queue[0]] {
			to := g.target(edge)
			if _, seen := came[to]; seen {
				continue
			}
			came[to] = edge
			if to != end {
				queue = append(queue, to)
				continue
			}
			for at := end; len(path) == 0 || at != start; {
				e := g.edges[came[at]]
				path = append(path, e)
				at = g.number[e.Waiter]
			}
			slices.Reverse(path)
			return path
		}
	}
	panic("BUG: no path within a component")
}
