package observe

import (
	"context"
	"slices"
	"sync"

	"dlm/codec"
	"dlm/table"
)

const (
	// graphNodes is the most services of a graph, because nobody can read a picture of more.
	graphNodes = 60
	// graphChain is the most services of it that are found before those that wait for them: where
	// the waits lead is worth more than who else waits.
	graphChain = graphNodes * 2 / 3
	// graphFan is the most edges that are followed from one service, and to it.
	graphFan = 20
	// graphReads is how many edges one question reads again, in a millisecond.
	graphReads = 1000
)

// GraphNode is one service that waits, or that others wait for.
type GraphNode struct {
	ID        Text `json:"id"`         // the service
	Waits     int  `json:"waits"`      // edges from it
	WaitedFor int  `json:"waited_for"` // edges to it
}

// GraphEdge says that a service waits for a hold of another.
type GraphEdge struct {
	From     Text        `json:"from"`
	Lock     Text        `json:"lock"`
	To       Text        `json:"to"`
	Token    codec.Token `json:"token"` // of the hold
	WaitedMs int64       `json:"waited_ms"`
	Cycle    int         `json:"cycle"` // of which it is part, as Deadlocks counts; 0: of none
}

// GraphAnswer is a part of the graph of services that wait for each other.
type GraphAnswer struct {
	AgeMs     int64       `json:"age_ms"`    // of the view
	Truncated bool        `json:"truncated"` // the graph goes on
	Hidden    int         `json:"hidden"`    // edges for locks that the visitor may not see
	Nodes     []GraphNode `json:"nodes"`     // the nearest first
	Edges     []GraphEdge `json:"edges"`
	Cycles    []int       `json:"cycles"` // numbers of those with edges here
}

// GraphAroundLock answers who waits for a lock, for whom its holders wait, and so on. The edges
// come from the view of Deadlocks, and each stands at the time of the answer.
func (o *Observer) GraphAroundLock(ctx context.Context, name []byte, sight Sight) *GraphAnswer {
	p := o.newPicture(ctx, sight)
	shard := p.served.Table.Shard(p.served.Table.Hash(name)).Number()
	for _, w := range o.Waiters(name, graphFan, "").Rows {
		p.follow(p.index.out[p.view.hash(w.Service)], func(e *table.Edge) bool { return e.Wait.Shard == shard }, name)
	}
	return p.finish()
}

// GraphAroundOwner answers for whom a service waits, who waits for it, and so on.
func (o *Observer) GraphAroundOwner(ctx context.Context, service []byte, sight Sight) *GraphAnswer {
	p := o.newPicture(ctx, sight)
	p.node(service)
	a := p.finish()
	if len(a.Edges) == 0 {
		a.Nodes = a.Nodes[:0]
	}
	return a
}

// graphIndex finds the edges of a view by the hash of a service, those of cycles first.
type graphIndex struct {
	out, into map[uint64][]int32
	cycle     map[graphKey]int // place in deadlocksView.cycles
}

// graphKey names the edges from a service to one hold. Tokens are unique in a shard.
type graphKey struct {
	waiter, holder uint64
	shard          uint8
	token          codec.Token
}

// graphEdges is what a view keeps of its walk for graphs.
type graphEdges struct {
	edges   []table.Edge // that may be part of a cycle
	rest    []table.Edge // that are part of none
	partial bool         // there are more of the rest
	firm    []table.Edge // those within components that stood at one moment
	hash    func([]byte) uint64
	once    sync.Once
	made    graphIndex // by the first question
}

// edge returns the edge of that place, the rest after those of cycles.
func (v *deadlocksView) edge(i int32) *table.Edge {
	if n := int32(len(v.edges)); i >= n {
		return &v.rest[i-n]
	}
	return &v.edges[i]
}

func (v *deadlocksView) index() *graphIndex {
	v.once.Do(func() {
		v.made = graphIndex{map[uint64][]int32{}, map[uint64][]int32{}, v.cycleOf()}
		for _, inCycle := range []bool{true, false} {
			for i := range int32(len(v.edges) + len(v.rest)) {
				e := v.edge(i)
				if _, ok := v.made.cycle[keyOf(e)]; ok == inCycle {
					v.made.out[e.Waiter] = append(v.made.out[e.Waiter], i)
					v.made.into[e.Holder] = append(v.made.into[e.Holder], i)
				}
			}
		}
	})
	return &v.made
}

// cycleOf returns the cycle of each edge that is within the component of a cycle. One cycle of each
// component is found, and all its services are stuck.
func (v *deadlocksView) cycleOf() map[graphKey]int {
	g := newGraph(v.firm)
	of := g.components()
	cycles := map[int]int{} // by component
	for i, c := range v.cycles {
		cycles[of[g.number[v.hash(c[0].Service)]]] = i
	}
	edges := map[graphKey]int{}
	for i := range v.firm {
		if c, ok := cycles[of[g.to[i]]]; ok {
			edges[keyOf(&v.firm[i])] = c
		}
	}
	return edges
}

func keyOf(e *table.Edge) graphKey { return graphKey{e.Waiter, e.Holder, e.Wait.Shard, e.Token} }

// picture is a graph that is being put together.
type picture struct {
	GraphAnswer
	view   *deadlocksView
	index  *graphIndex
	served Served
	sight  Sight
	nodes  map[string]int // place in Nodes
	edges  map[graphKey]int
	read   map[int32]*table.WaitsFor // edges that were read again; nil: gone, or hidden
	number []int                     // of each cycle of the view, for the visitor; 0: hidden
	room   int                       // bytes of names that the edges may still have
}

func (o *Observer) newPicture(ctx context.Context, sight Sight) *picture {
	v, age := o.deadlocks.fresh(ctx, o)
	served := o.cfg.Served()
	late := v.hash == nil // there is no view in time
	if late {
		v.hash = func([]byte) uint64 { return 0 }
	}
	p := &picture{view: v, index: v.index(), served: served, sight: sight,
		nodes: map[string]int{}, edges: map[graphKey]int{}, read: map[int32]*table.WaitsFor{}, number: make([]int, len(v.cycles)), room: pageBytes}
	p.AgeMs, p.Truncated = age.Milliseconds(), v.truncated || v.partial || late
	p.Nodes, p.Edges, p.Cycles = []GraphNode{}, []GraphEdge{}, []int{}
	seen := 0
	for i, c := range v.cycles {
		if c.seenBy(sight) {
			seen++
			p.number[i] = seen
		}
	}
	return p
}

// finish follows the waits of the services that are there, then all edges of all services, nearest
// first.
func (p *picture) finish() *GraphAnswer {
	for at := 0; at < min(len(p.Nodes), graphChain); at++ {
		p.follow(p.index.out[p.view.hash(p.Nodes[at].ID)], nil, nil)
	}
	for at := 0; at < len(p.Nodes); at++ {
		hash := p.view.hash(p.Nodes[at].ID)
		p.follow(p.index.out[hash], nil, nil)
		p.follow(p.index.into[hash], nil, nil)
	}
	for i := range p.Edges {
		if n := p.Edges[i].Cycle; n > 0 && !slices.Contains(p.Cycles, n) {
			p.Cycles = append(p.Cycles, n)
		}
	}
	return &p.GraphAnswer
}

// follow adds edges from a list, up to graphFan, that pass the filters. nil is none.
func (p *picture) follow(list []int32, maybe func(*table.Edge) bool, lock []byte) {
	followed := 0
	for _, i := range list {
		e := p.view.edge(i)
		if maybe != nil && !maybe(e) {
			continue
		}
		x := p.words(i)
		if x == nil || lock != nil && string(x.Lock) != string(lock) {
			continue
		}
		if followed++; followed > graphFan {
			p.Truncated = true
			return
		}
		p.add(e, x)
	}
}

// words reads an edge again. It returns nil if the edge stands no more, or is hidden.
func (p *picture) words(i int32) *table.WaitsFor {
	x, known := p.read[i]
	if known {
		return x
	}
	if len(p.read) == graphReads {
		p.Truncated = true
		return nil
	}
	e := p.view.edge(i)
	shard := p.served.Table.ShardAt(int(e.Wait.Shard))
	shard.Lock()
	read, ok := shard.Stands(p.served.Now, e)
	shard.Unlock()
	switch {
	case !ok || p.view.hash(read.Service) != e.Waiter || p.view.hash(read.Holder) != e.Holder:
	case !p.sight.MayUse(read.Lock):
		p.Hidden++
	default:
		x = &read
	}
	p.read[i] = x
	return x
}

// add adds an edge and its services. Of several requests of a service for one hold it keeps the one
// that has waited longest.
func (p *picture) add(e *table.Edge, x *table.WaitsFor) {
	if at, ok := p.edges[keyOf(e)]; ok {
		p.Edges[at].WaitedMs = max(p.Edges[at].WaitedMs, x.WaitedMs+p.served.UnchangedMs)
		return
	}
	if p.room <= 0 {
		p.Truncated = true
		return
	}
	from, to := p.node(x.Service), p.node(x.Holder)
	if from < 0 || to < 0 {
		p.Truncated = true
		return
	}
	edge := GraphEdge{From: x.Service, Lock: x.Lock, To: x.Holder, Token: x.Token, WaitedMs: x.WaitedMs + p.served.UnchangedMs}
	if i, ok := p.index.cycle[keyOf(e)]; ok {
		edge.Cycle = p.number[i]
	}
	p.room -= len(x.Service) + len(x.Lock) + len(x.Holder)
	p.edges[keyOf(e)] = len(p.Edges)
	p.Edges = append(p.Edges, edge)
	p.Nodes[from].Waits++
	p.Nodes[to].WaitedFor++
}

// node returns the place of a service, which it adds; -1 if there is no room.
func (p *picture) node(service Text) int {
	at, ok := p.nodes[string(service)]
	if !ok {
		if at = len(p.Nodes); at == graphNodes {
			return -1
		}
		p.nodes[string(service)] = at
		p.Nodes = append(p.Nodes, GraphNode{ID: service})
	}
	return at
}
