package table

// A service id that several processes share is one owner, and an ACQUIRE of any of them re-enters
// the hold of another. The connection shows that. The record keeps a mark of the connection that
// was granted, and counts the re-entries from others. Both use bits that were free in the record,
// so they are small.

const (
	metaLenBits = 9                       // META has at most 512 bytes; the length less 1 is stored
	metaLenMask = 1<<metaLenBits - 1      // of grantee.extra
	requestsBit = uint16(1) << 9          // the hold was granted to requests with REQ
	othersShift = 10                      // the rest counts re-entries from other connections
	othersMax   = 1<<(16-othersShift) - 1 // the most that it counts
	othersOne   = uint16(1) << othersShift
)

// connMark is a hash of a connection; 0: none. Two connections have the same one with a probability
// of 1/255.
type connMark uint8

// markOf mixes loop, slot and generation of the connection.
func markOf(conn ConnID) connMark {
	mark := connMark(uint64(conn) * 0x9E3779B97F4A7C15 >> 56)
	if mark == 0 {
		mark = 1
	}
	return mark
}

// metaLen returns the length of the holder's META, which must have one.
func (g *grantee) metaLen() int { return int(g.extra&metaLenMask) + 1 }

func (g *grantee) setMetaLen(n int) { g.extra = g.extra&^metaLenMask | uint16(n-1) }

// hasRequests reports whether the hold was granted to a request with REQ: the requests of its
// service may need to know when it ends.
func (g *grantee) hasRequests() bool { return g.extra&requestsBit != 0 }

func (g *grantee) setHasRequests() { g.extra |= requestsBit }

// others returns how many re-entries came from connections other than that of the grant. It is a
// lower bound at othersMax.
func (g *grantee) others() uint16 { return g.extra >> othersShift }

// markGrant stores the connection that a new hold was given to.
func (g *grantee) markGrant(mark connMark) { g.by, g.extra = mark, g.extra&metaLenMask }

// reenter grants a hold once more, for a request of that connection.
func (s *Shard) reenter(l *lock, h *holder, ttlMs uint32, conn ConnID) {
	x, g := l.holdOf(h)
	x.count++
	if h != nil {
		l.since++
	}
	s.counts.Reentries++
	switch mark := markOf(conn); {
	case g.by == 0: // a hold from before the restart
		g.by = mark
	case g.by != mark:
		s.counts.ReentriesOtherConn++
		if g.others() < othersMax {
			g.extra += othersOne
		}
	}
	s.renew(x, ttlMs)
}
