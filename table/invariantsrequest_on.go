//go:build invariants

package table

// verifyDetached checks the waiter i and the run that it begins, and returns 1 if it is detached.
func (s *Shard) verifyDetached(i uint32, bug func(ok bool, format string, args ...any)) int {
	w := s.waiters.at(i)
	if w.req != 0 {
		q := s.requests.inUse(w.req - 1)
		bug(q != nil && q.state == requestWaiting && q.waiter == i && q.number == w.number, "request of waiter %d does not know it", i)
	}
	if !w.detached {
		return 0
	}
	bug(w.req != 0 && w.conn == 0, "waiter %d is detached without a request", i)
	if !s.isDetached(w.prev) {
		last := i
		for s.isDetached(s.waiters.at(last).next) {
			last = s.waiters.at(last).next
		}
		bug(w.run == last && s.waiters.at(last).run == i, "the run from waiter %d to %d has other ends", i, last)
	}
	return 1
}

// verifyRequests checks the records of requests, and returns how many have a block of the arena.
func (s *Shard) verifyRequests(bug func(ok bool, format string, args ...any)) (blocks int) {
	heads, live, over := 0, 0, 0
	for i := range s.requests.len() {
		q := s.requests.inUse(i)
		if q == nil {
			continue
		}
		name, service, id := s.requestStrings(q)
		if len(name)+len(service)+len(id) > requestTextLen {
			blocks++
		}
		_, head := s.headOf(q.tag, name, service)
		bug(head != none && q.siblings >= 1 && s.requests.at(q.next).prev == i && s.requests.at(q.prev).next == i, "request %d is in no ring", i)
		if head == i {
			n, at := 0, i
			for first := true; first || at != i; first = false {
				n++
				at = s.requests.at(at).next
			}
			bug(n == int(q.siblings) && n <= RequestsPerHolderMax, "a ring has %d requests, its head says %d", n, q.siblings)
			heads++
		}
		switch {
		case q.state == requestWaiting:
			live++
			w := s.waiters.at(q.waiter)
			bug(w.req == i+1 && string(s.waiterService(w)) == string(service) && string(s.name(s.locks.at(w.lock))) == string(name), "request %d waits elsewhere", i)
		case q.state == requestGranted:
			live++
			x, g, _, _ := s.holdBy(s.indexOf(q.tag^uint32(s.table.Hash(service)), name), service)
			bug(x != nil && x.token == q.token && g.hasRequests(), "request %d has a hold that is over", i)
		case q.state.over():
			over++
		}
	}
	bug(heads == s.requestIndex.Len(), "%d rings, %d in the index", heads, s.requestIndex.Len())
	bug(over == s.over.n && live+over+s.ended.n == s.requests.live, "%d requests live, %d and %d are over, of %d", live, s.over.n, s.ended.n, s.requests.live)
	for _, list := range [...]*requestList{&s.ended, &s.over} {
		n, before := 0, none
		for i := list.oldest; i != none; i = s.requests.at(i).newer {
			q := s.requests.at(i)
			bug(q.older == before && (before == none || s.requests.at(before).until < q.until), "ended request %d is not in its order", i)
			before = i
			n++
		}
		bug(n == list.n && list.newest == before, "%d ended requests in a list of %d", n, list.n)
	}
	return blocks
}
