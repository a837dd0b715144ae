package table

import "dlm/codec"

// The requests that were granted a hold are over when the hold ends, and follow it to a new token.

// granted notes that the request was granted that hold.
func (q *request) granted(x *hold, g *grantee) {
	q.state, q.token, q.waiter, q.repeated = requestGranted, x.token, none, false
	g.setHasRequests()
}

// endRequests notes that a hold of lock l is over, for the requests that were granted it.
func (s *Shard) endRequests(l *lock, h *holder, st requestState) {
	if _, g := l.holdOf(h); g.hasRequests() {
		s.eachGranted(l, h, func(at uint32) { s.endRequest(at, st) })
	}
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
