package table

import (
	"encoding/binary"

	"github.com/cespare/xxhash/v2"

	"dlm/codec"
)

// A client that gives its ACQUIRE or RELEASE an id (REQ) may send the command again, because the
// shard remembers what became of it. A record is found by lock, service and id. It lives while its
// request waits, or while the hold that it was granted stands, and RequestKeptNs after.
//
//	                  ACQUIRE
//	   waits |                    | granted
//	         v     granted        v       hold over
//	      waiting -----------> granted -----------> released, expired, forced
//	         |                    |
//	         | time-out, cancel   | CANCEL, count given back
//	         v                    v
//	      timed out, canceled <---+      ACQUIRE of these is a new try
//
//	RELEASE: done                        CANCEL of an unknown id: refused
//
// RELEASE with TOKEN that ends the hold shows that the grant has arrived. It removes the record.

// RequestKeptNs is how long the record of a request is kept after its end. It is longer than the
// time for which a client of sense repeats a request.
const RequestKeptNs = 60_000_000_000

// RequestsPerHolderMax is the most records that one service has on one lock. It bounds the search
// for an id.
const RequestsPerHolderMax = 64

// RequestsMaxMax is the largest setting of the limit of records.
const RequestsMaxMax = 1 << 30

// requestState is what became of a request. The numbers are durable.
type requestState uint8

const (
	requestWaiting  requestState = 1 // it is in the queue
	requestGranted  requestState = 2 // its hold stands
	requestDone     requestState = 3 // a RELEASE that was executed; all others are of ACQUIREs
	requestRefused  requestState = 4 // CANCEL came before it
	requestReleased requestState = 5 // its hold was released
	requestExpired  requestState = 6 // the lease of its hold has ended
	requestForced   requestState = 7 // its hold was ended by an admin
	requestTimedOut requestState = 8 // its wait ended by the wait timeout
	requestCanceled requestState = 9 // its wait was ended, or its count given back, by CANCEL
)

// live reports whether the request waits or its hold stands.
func (st requestState) live() bool { return st <= requestGranted }

// over reports whether a request of this state may be tried anew. Its record only answers OUTCOME.
func (st requestState) over() bool { return st >= requestTimedOut }

const requestTextLen = 64 // most names, services and ids fit together

// request is the record of one ACQUIRE or RELEASE with REQ: two cache lines, no pointer.
type request struct {
	token  codec.Token // of the hold that was granted or released; 0: none
	number uint64      // its place in the queue: see waiter.number
	until  int64       // table time in ns at which an ended record is forgotten; unique
	args   uint32      // digest of the arguments that a repeat must have too
	tag    uint32      // of its lock and service in the index
	// Requests of the same lock and service are a ring. The index has one of them, the head.
	next, prev   uint32
	older, newer uint32 // in the list of ended records
	waiter       uint32 // while it waits
	count        uint32 // of a RELEASE: acquires less releases after it
	nameLen      uint16
	serviceLen   uint16
	idLen        uint8
	state        requestState
	repeated     bool  // its grant was answered to a repeat, so it can't be taken back
	siblings     uint8 // in the head: how many records the ring has
	text         [requestTextLen]byte
}

// requestStrings returns name, service and id of the record. They alias it or the arena.
func (s *Shard) requestStrings(q *request) (name, service, id []byte) {
	n, m := int(q.nameLen), int(q.nameLen)+int(q.serviceLen)
	all := s.stringIn(q.text[:], m+int(q.idLen))
	return all[:n], all[n:m], all[m:]
}

// setRequestStrings stores name, service and id. There are at most requestStringsMax bytes.
func (s *Shard) setRequestStrings(q *request, name, service, id []byte) {
	q.nameLen, q.serviceLen, q.idLen = uint16(len(name)), uint16(len(service)), uint8(len(id))
	var room [requestStringsMax]byte
	s.setString(q.text[:], append(append(append(room[:0], name...), service...), id...))
}

const requestStringsMax = codec.NameMax + codec.ServiceMax + codec.ReqMax

// argsOf returns a digest of the arguments that a repeat must have too: all but the wait timeout.
// It is durable.
func argsOf(cmd *codec.Command) uint32 {
	var room [24 + codec.MetaMax]byte
	b, flags := room[:1], uint8(0)
	for i, opt := range [...]codec.Opts{codec.OptTTL, codec.OptFresh, codec.OptQueue, codec.OptToken, codec.OptAll, codec.OptMeta,
		codec.OptShared, codec.OptPermits} {
		if cmd.Has(opt) {
			flags |= 1 << i
		}
	}
	b[0] = flags
	if cmd.Has(codec.OptTTL) {
		b = binary.LittleEndian.AppendUint32(b, cmd.TTLMs)
	}
	if cmd.Has(codec.OptQueue) {
		b = binary.LittleEndian.AppendUint32(b, cmd.Queue)
	}
	if cmd.Has(codec.OptToken) {
		b = binary.LittleEndian.AppendUint64(b, uint64(cmd.Token))
	}
	if cmd.Has(codec.OptPermits) {
		b = binary.LittleEndian.AppendUint32(b, cmd.Permits)
	}
	if cmd.Has(codec.OptMeta) {
		b = append(b, cmd.Text...)
	}
	sum := uint32(xxhash.Sum64(b))
	if cmd.Has(codec.OptDetect) { // each bit of flags has another option
		return ^sum
	}
	return sum
}

// requestTag returns the tag of a lock and a service in the index of requests. tag is that of the
// lock.
func (s *Shard) requestTag(tag uint32, service []byte) uint32 {
	return tag ^ uint32(s.table.Hash(service))
}

// headOf returns the slot of the index and the head of the ring of that lock and service, or none.
func (s *Shard) headOf(tag uint32, name, service []byte) (slot, head uint32) {
	slot, rec := s.requestIndex.Find(tag, tag)
	for ; rec != 0; slot, rec = s.requestIndex.Find(tag, slot+1) {
		n, m, _ := s.requestStrings(s.requests.at(rec - 1))
		if string(n) == string(name) && string(m) == string(service) {
			return slot, rec - 1
		}
	}
	return 0, none
}

// findRequest returns the record of the request, or none. RELEASE finds records of RELEASEs, all
// other verbs those of ACQUIREs. tag is that of the lock.
func (s *Shard) findRequest(tag uint32, cmd *codec.Command) uint32 {
	_, head := s.headOf(s.requestTag(tag, cmd.Service), cmd.Name, cmd.Service)
	if head == none {
		return none
	}
	for at, left := head, s.requests.at(head).siblings; left > 0; left-- {
		q := s.requests.at(at)
		if int(q.idLen) == len(cmd.Req) && (q.state == requestDone) == (cmd.Verb == codec.VerbRelease) {
			if _, _, id := s.requestStrings(q); string(id) == string(cmd.Req) {
				return at
			}
		}
		at = q.next
	}
	return none
}

// outlived reports whether the time of the record is over.
func (s *Shard) outlived(q *request) bool { return !q.state.live() && q.until <= s.now }

// addRequest makes the record of the command. The caller has reserved it.
func (s *Shard) addRequest(tag uint32, cmd *codec.Command, state requestState) (uint32, *request) {
	i, q := s.placeRequest(tag, cmd.Name, cmd.Service, cmd.Req)
	q.args, q.state = argsOf(cmd), state
	if !state.live() {
		s.listEnded(i, q)
	}
	return i, q
}

// placeRequest makes a record and puts it into the ring of its lock and service.
func (s *Shard) placeRequest(tag uint32, name, service, id []byte) (uint32, *request) {
	tag = s.requestTag(tag, service)
	_, head := s.headOf(tag, name, service)
	mapped := s.requests.mapped
	i, _ := s.requests.take()
	if s.requests.mapped > mapped {
		s.table.took(requestChunkBytes)
	}
	q := s.requests.at(i)
	*q = request{tag: tag, next: i, prev: i, older: none, newer: none, waiter: none, siblings: 1}
	s.setRequestStrings(q, name, service, id)
	if head == none {
		s.addToIndex(&s.requestIndex, tag, i)
		return i, q
	}
	h := s.requests.at(head)
	h.siblings++
	q.next, q.prev = h.next, head
	s.requests.at(h.next).prev = i
	h.next = i
	return i, q
}

// dropRequest forgets the record.
func (s *Shard) dropRequest(i uint32) {
	q := s.requests.at(i)
	if !q.state.live() {
		s.unlistEnded(q)
	}
	name, service, _ := s.requestStrings(q)
	switch slot, head := s.headOf(q.tag, name, service); {
	case head != i:
		s.requests.at(head).siblings--
	case q.next == i:
		s.requestIndex.RemoveAt(slot)
	default:
		s.requestIndex.Slots[slot].Rec = q.next + 1
		s.requests.at(q.next).siblings = q.siblings - 1
	}
	s.requests.at(q.prev).next, s.requests.at(q.next).prev = q.next, q.prev
	s.dropString(q.text[:], int(q.nameLen)+int(q.serviceLen)+int(q.idLen))
	s.requests.drop(i)
	s.requestQuota.giveBack(&s.table.requests)
}
