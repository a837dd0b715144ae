package table

import "math/bits"

// EdgeSieve tells which requests can be part of a cycle: those of services that hold what others
// wait for. A first walk, Sift, gathers these services and those that wait; a second one, Edges,
// asks. Two services may look like one. That costs edges that are in no cycle, and never an edge
// that is in one.
type EdgeSieve struct {
	hash  func(service []byte) uint64
	held  serviceSet // services that hold what others wait for
	waits serviceSet // services that wait
}

// NewEdgeSieve returns a sieve for about so many requests. Without Sift all edges pass it.
func NewEdgeSieve(requests int, hash func(service []byte) uint64) *EdgeSieve {
	words := 1 << bits.Len(uint(requests)/sieveWord)
	return &EdgeSieve{hash, make(serviceSet, words), make(serviceSet, words)}
}

// AllEdges returns a sieve that takes each edge for part of a cycle.
func AllEdges(hash func(service []byte) uint64) *EdgeSieve { return &EdgeSieve{hash: hash} }

// sieveWord is how many services a word of 64 bits is for at most.
const sieveWord = 4

// serviceSet has four bits of a word for each hash of a service (a Bloom filter), so one service in
// 100 is there that was not added. nil has all services.
type serviceSet []uint64

func (b serviceSet) place(hash uint64) (word *uint64, bits uint64) {
	bits = 1<<(hash&63) | 1<<(hash>>6&63) | 1<<(hash>>12&63) | 1<<(hash>>18&63)
	return &b[hash>>24&uint64(len(b)-1)], bits
}

func (b serviceSet) add(hash uint64) {
	word, bits := b.place(hash)
	*word |= bits
}

func (b serviceSet) has(hash uint64) bool {
	if b == nil {
		return true
	}
	word, bits := b.place(hash)
	return *word&bits == bits
}

// Sift adds the services of the shard's requests to the sieve, and those that hold locks with a
// queue. It moves the walk on, and returns when it has looked at scan requests and holders, or has
// come to the end, and then true.
func (s *Shard) Sift(now int64, walk *EdgeWalk, scan int, sieve *EdgeSieve) (done bool) {
	s.setTime(now)
	for looked := 0; looked < scan && walk.at < s.waiters.len(); looked++ {
		i := s.requestAt(walk)
		if i == none {
			continue
		}
		w := s.waiters.at(i)
		sieve.waits.add(sieve.hash(s.waiterService(w)))
		if w.prev == none && !s.siftHolders(walk, w, &looked, scan, sieve) {
			return false
		}
		walk.Cut = walk.Cut || walk.after != 0 && w.prev != none // another has come to the front
		walk.forward()
	}
	return walk.at >= s.waiters.len()
}

// siftHolders adds those who hold the lock of request w. It returns false if some are left for the
// next call.
func (s *Shard) siftHolders(walk *EdgeWalk, w *waiter, looked *int, scan int, sieve *EdgeSieve) bool {
	l := s.locks.at(w.lock)
	if !l.grouped() {
		sieve.held.add(sieve.hash(s.service(l)))
		return true
	}
	for h := s.nextHolder(walk, w); h != nil; h = s.nextHolder(walk, w) {
		sieve.held.add(sieve.hash(s.holderService(h)))
		if *looked++; *looked >= scan {
			return false
		}
	}
	return true
}
