package table

import "dlm/codec"

// limit refuses a command because of that limit.
func (r *Result) limit(which codec.Which) { r.Code, r.Which = codec.Limit, which }

// refuseHeld refuses a request that does not wait, and returns who holds the lock and since when.
func (s *Shard) refuseHeld(l *lock, fx *Effects, r *Result) {
	r.Code = codec.Timeout
	fx.Owner, r.HeldMs = s.holder(l, fx.Owner[:0])
}

// holder appends the service id of the holder to dst and returns how many ms it has held the lock.
func (s *Shard) holder(l *lock, dst []byte) ([]byte, int64) {
	return append(dst, s.service(l)...), (s.now - l.since) / nsPerMs
}

// Holder appends the service id of the holder to dst and returns how many ms it has held the lock,
// if the hold that ref names still exists. If not, it appends nothing and returns 0. now is table
// time in ns.
func (s *Shard) Holder(now int64, ref HoldRef, dst []byte) (owner []byte, heldMs int64) {
	s.setTime(now)
	return s.ofHold(ref, dst)
}

// ofHold is Holder at the shard's time.
func (s *Shard) ofHold(ref HoldRef, dst []byte) (owner []byte, heldMs int64) {
	_, l, _, h := s.namedHold(ref)
	switch {
	case l == nil:
		return dst, 0
	case h != nil:
		return s.ofHolder(h, dst)
	}
	return s.holder(l, dst)
}
