package table

import "dlm/codec"

// Records of requests have three bounds. Records of requests that wait or are held are never
// given up, so a new request is refused if all others are such records.
//
//	per lock and service   RequestsPerHolderMax
//	ended, per shard       a 256th of Config.RequestsMax: what a shard remembers follows from its
//	                       own commands
//	in all                 Config.RequestsMax
//
// The oldest ended record is forgotten first; before it one that only answers OUTCOME.

// requestList is a list of ended records, in the order of their ends.
type requestList struct {
	oldest, newest uint32 // none: empty
	n              int
}

func (l *requestList) init() { l.oldest, l.newest = none, none }

// endedList returns the list of ended records of that state: of those that refuse or answer a
// repeat, or of those that only answer OUTCOME.
func (s *Shard) endedList(st requestState) *requestList {
	if st.over() {
		return &s.over
	}
	return &s.ended
}

// listEnded appends a record that has just ended to its list.
func (s *Shard) listEnded(i uint32, q *request) {
	s.listEndedUntil(i, q, s.now+RequestKeptNs)
}

// listEndedUntil is listEnded for a record that is forgotten at that time.
func (s *Shard) listEndedUntil(i uint32, q *request, until int64) {
	list := s.endedList(q.state)
	q.until = max(until, s.lastUntil+1)
	s.lastUntil = q.until
	q.older, q.newer = list.newest, none
	if list.newest == none {
		list.oldest = i
	} else {
		s.requests.at(list.newest).newer = i
	}
	list.newest = i
	list.n++
	s.noteDue(requestTick(q.until))
}

func (s *Shard) unlistEnded(q *request) {
	list := s.endedList(q.state)
	if q.older == none {
		list.oldest = q.newer
	} else {
		s.requests.at(q.older).newer = q.newer
	}
	if q.newer == none {
		list.newest = q.older
	} else {
		s.requests.at(q.newer).older = q.older
	}
	list.n--
}

// endRequest notes what became of a live request.
func (s *Shard) endRequest(i uint32, st requestState) {
	q := s.requests.at(i)
	q.state, q.waiter = st, none
	s.amended++
	s.listEnded(i, q)
}

// boundEnded forgets ended records beyond the shard's part. endRequest does not, because its caller
// may be about to look at other records.
func (s *Shard) boundEnded() {
	for s.ended.n+s.over.n > s.table.endedMax {
		s.forgetOldest()
	}
}

// forgetOldest forgets the ended record that is needed least. There must be one.
func (s *Shard) forgetOldest() {
	if s.over.n > 0 {
		s.dropRequest(s.over.oldest)
	} else {
		s.dropRequest(s.ended.oldest)
	}
}

// forgetOutlived forgets records whose time is over, as many as budget allows.
func (s *Shard) forgetOutlived(budget *int) {
	for _, list := range [...]*requestList{&s.ended, &s.over} {
		for ; list.n > 0 && *budget > 0 && s.requests.at(list.oldest).until <= s.now; *budget-- {
			s.dropRequest(list.oldest)
		}
	}
}

// requestTick returns the tick at which the ticker forgets a record. Records of one second are
// forgotten together, so that the ticker does not look at the shard for each of them.
func requestTick(until int64) uint64 {
	const nsPerSecond = 1_000_000_000
	return tickOf((until + nsPerSecond - 1) / nsPerSecond * nsPerSecond)
}

// requestsDue returns the tick at which the next record is to be forgotten.
func (s *Shard) requestsDue(next uint64) uint64 {
	for _, list := range [...]*requestList{&s.ended, &s.over} {
		if list.n > 0 {
			next = min(next, requestTick(s.requests.at(list.oldest).until))
		}
	}
	return next
}

// reserveRequest takes a credit for the record of a new request. It returns the limit that keeps it
// from a record, or WhichNone. The caller adds the record or calls unreserveRequest.
func (s *Shard) reserveRequest(tag uint32, cmd *codec.Command) codec.Which {
	budget := requestsForgotten
	s.forgetOutlived(&budget)
	if !s.roomInRing(tag, cmd) {
		return codec.WhichRetries
	}
	if s.table.full.Load() && cmd.Verb != codec.VerbRelease && !s.requestFits(cmd) {
		return codec.WhichMemory
	}
	for !s.requestQuota.take(&s.table.requests) {
		if s.ended.n+s.over.n == 0 {
			return codec.WhichRetries
		}
		s.forgetOldest()
	}
	return codec.WhichNone
}

// requestsForgotten is how many outlived records a command forgets. The ticker forgets the others.
const requestsForgotten = 4

func (s *Shard) unreserveRequest() { s.requestQuota.giveBack(&s.table.requests) }

// roomInRing makes room for one more record of the lock and the service, and reports whether there
// is some. It forgets the oldest ended record. A granted record whose count was given back counts
// as ended: there are more records than the hold has counts.
func (s *Shard) roomInRing(tag uint32, cmd *codec.Command) bool {
	_, head := s.headOf(s.requestTag(tag, cmd.Service), cmd.Name, cmd.Service)
	if head == none || s.requests.at(head).siblings < RequestsPerHolderMax {
		return true
	}
	victim, granted, oldest, at := none, uint32(0), none, head
	for range RequestsPerHolderMax {
		q := s.requests.at(at)
		switch {
		case q.state == requestGranted:
			if granted++; oldest == none || q.number < s.requests.at(oldest).number {
				oldest = at
			}
		case q.state == requestWaiting:
		case victim == none || s.neededLess(q, s.requests.at(victim)):
			victim = at
		}
		at = q.next
	}
	if victim == none && granted > 0 {
		if x, _, _, _ := s.holdBy(s.indexOf(tag, cmd.Name), cmd.Service); x == nil || granted > x.count {
			victim = oldest
		}
	}
	if victim == none {
		return false
	}
	s.dropRequest(victim)
	return true
}

// neededLess reports whether ended record a is forgotten before b.
func (s *Shard) neededLess(a, b *request) bool {
	if a.state.over() != b.state.over() {
		return a.state.over()
	}
	return a.until < b.until
}

// requestFits is lockFits for the record of a request.
func (s *Shard) requestFits(cmd *codec.Command) bool {
	if !s.requests.hasRoom() || s.requestIndex.Full() {
		return false
	}
	var need blocks
	need.add(len(cmd.Name)+len(cmd.Service)+len(cmd.Req), requestTextLen)
	return s.arena.fits(&need)
}

// gatherRequests is gather for records of requests. If no shard has an unused credit, each gives up
// some of its oldest ended records.
func (t *Table) gatherRequests() bool {
	freed := false
	for s := range t.Locked() {
		for n := (s.ended.n + s.over.n + gatherShare - 1) / gatherShare; n > 0; n-- {
			s.forgetOldest()
		}
		freed = freed || s.requestQuota > 0
		t.requests.left.Add(int64(s.requestQuota))
		s.requestQuota = 0
	}
	return freed || t.requests.left.Load() > 0
}

// gatherShare is the part of its ended records that each shard gives up when all credits are used:
// enough for the next commands, and few enough that most are remembered.
const gatherShare = 8
