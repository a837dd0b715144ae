package table

import "dlm/codec"

// limit refuses a command because of that limit.
func (r *Result) limit(which codec.Which) { r.Code, r.Which = codec.Limit, which }

// refuseHeld refuses a request that does not wait, and names a holder other than own, which may be
// nil.
func (s *Shard) refuseHeld(l *lock, own *holder, fx *Effects, r *Result) {
	r.Code = codec.Timeout
	fx.Owner = fx.Owner[:0]
	if h, ok := s.someHolder(l, own); ok {
		fx.Owner, r.HeldMs = s.nameHolder(l, h, fx.Owner)
	}
}

// nameHolder appends the service id of a hold to dst and returns how many ms it has held the lock.
func (s *Shard) nameHolder(l *lock, h *holder, dst []byte) ([]byte, int64) {
	_, g := l.holdOf(h)
	return append(dst, s.serviceOf(l, h)...), (s.now - g.since) / nsPerMs
}

// Holder appends the service id of the holder to dst and returns how many ms it has held the lock,
// if the hold that ref names still exists. If not, it appends nothing and returns 0. now is table
// time in ns.
func (s *Shard) Holder(now int64, ref HoldRef, dst []byte) (owner []byte, heldMs int64) {
	s.setTime(now)
	_, l, _, h := s.namedHold(ref)
	if l == nil {
		return dst, 0
	}
	return s.nameHolder(l, h, dst)
}
