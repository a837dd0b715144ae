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
	l := s.locks.record(ref.index)
	if l == nil || l.nameLen == 0 || l.token != ref.Token || l.count == 0 {
		return dst, 0
	}
	return s.holder(l, dst)
}
