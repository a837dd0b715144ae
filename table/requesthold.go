package table

import "dlm/codec"

// The requests that were granted a hold are over when the hold ends, and follow it to a new token.
// A hold of a group and an exclusive one have the same rules: functions take the lock and the
// holder, which is nil if the hold is exclusive.

// holdOf returns the hold of h, or the exclusive hold of the lock if h is nil.
func (l *lock) holdOf(h *holder) (*hold, *grantee) {
	if h != nil {
		return &h.hold, &h.grantee
	}
	return &l.hold, &l.grantee
}

// serviceOf returns the service of the holder h, or of the exclusive hold if h is nil.
func (s *Shard) serviceOf(l *lock, h *holder) []byte {
	if h != nil {
		return s.holderService(h)
	}
	return s.service(l)
}

// holdBy returns the hold of the service on lock i, which may be none. x is nil if there is none,
// and h is nil if it is exclusive.
func (s *Shard) holdBy(i uint32, service []byte) (x *hold, g *grantee, hi uint32, h *holder) {
	l := s.lockAt(i)
	switch {
	case l == nil:
		return nil, nil, none, nil
	case l.grouped():
		if hi, h = s.findHolder(i, l, service); h == nil || !h.state.held() {
			return nil, nil, none, nil
		}
	case !l.state.held() || string(s.service(l)) != string(service):
		return nil, nil, none, nil
	}
	x, g = l.holdOf(h)
	return x, g, hi, h
}

// granted notes that the request was granted that hold.
func (q *request) granted(x *hold, g *grantee) {
	q.state, q.token, q.waiter, q.repeated = requestGranted, x.token, none, false
	g.setHasRequests()
}

// endRequests notes that a hold of lock l is over, for the requests that were granted it.
func (s *Shard) endRequests(l *lock, h *holder, st requestState) {
	s.eachGranted(l, h, func(at uint32) { s.endRequest(at, st) })
	s.boundEnded()
}

// forgetRequests forgets the requests that were granted a hold of lock l: its holder has shown that
// it knows the token.
func (s *Shard) forgetRequests(l *lock, h *holder) { s.eachGranted(l, h, s.dropRequest) }

// retokenRequests notes that a hold of lock l is about to get another token.
func (s *Shard) retokenRequests(l *lock, h *holder, token codec.Token) {
	s.eachGranted(l, h, func(at uint32) { s.requests.at(at).token = token })
}

// eachGranted calls do for the record of each request that was granted a hold of lock l.
func (s *Shard) eachGranted(l *lock, h *holder, do func(at uint32)) {
	x, g := l.holdOf(h)
	if !g.hasRequests() {
		return
	}
	service := s.serviceOf(l, h)
	_, at := s.headOf(s.requestTag(l.tag, service), s.name(l), service)
	if at == none {
		return
	}
	for left := s.requests.at(at).siblings; left > 0; left-- {
		q := s.requests.at(at)
		next := q.next
		if q.state == requestGranted && q.token == x.token {
			do(at)
		}
		at = next
	}
}
