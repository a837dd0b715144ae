package codec

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// HoldFlags are the state of a hold in a recovery grace (see package table). They are durable: bits
// are never used again.
type HoldFlags uint16

const (
	HoldConfirmed HoldFlags = 1 << iota // its owner has shown its token since the start
	HoldRenewed                         // renewed since the start, without its token
	HoldReleased                        // not a hold any more: released during the grace
	HoldFenced                          // not a hold any more: forced or expired during the grace
	HoldShared                          // of a shared lock
	HoldPermits                         // of a semaphore: HoldImage.Permits

	holdStates = HoldConfirmed | HoldRenewed | HoldReleased | HoldFenced // at most one
	holdShares = HoldShared | HoldPermits                                // at most one
)

// permitsLen is the length of the number of permits among the strings of a record.
const permitsLen = 4

// HoldImage is one hold in its durable form. If a hold has ended during a grace, its last token
// stays on record, with count 0.
type HoldImage struct {
	Token    Token
	Deadline int64  // end of the lease, table time in ns
	Since    int64  // when it was granted, table time in ns
	TTLMs    uint32 // length of the lease
	Count    uint32 // acquires less releases
	Flags    HoldFlags
	Name     []byte
	Service  []byte // empty only with HoldFenced
	Meta     []byte
	Permits  uint32 // with HoldPermits: how many permits the lock has
}

// HoldImageBytes is the size of a record in ShardImage.Records:
//
//	 0  token      8
//	 8  deadline   8
//	16  since      8
//	24  ttl        4
//	28  count      4
//	32  strings    8   offset of its strings: name, service, META, and with
//	                   HoldPermits 4 bytes with the number of permits, without gaps
//	40  name       2   lengths of the strings
//	42  service    2
//	44  meta       2
//	46  flags      2
//
// All numbers are little-endian.
const HoldImageBytes = 48

// Shards is the number of parts of a lock table. It is fixed for ever, because images rely on it.
// 256 is measured: with two cores the count hardly matters, and 4,096 shards need too much cache.
const Shards = 256

// ShardImage is the durable form of one shard: fixed-size records of holds and of requests, and the
// strings that they point into. It may alias mapped memory.
type ShardImage struct {
	Shard      uint8
	Counter    Token  // the last token given; no record has a larger one
	ClaimFloor Token  // a claim to a hold that is not on record needs a larger token
	Records    []byte // of holds
	Requests   []byte // records of requests
	Strings    []byte // of both
}

// Reset empties the image for another shard and keeps its memory.
func (s *ShardImage) Reset(shard uint8, counter, floor Token) {
	*s = ShardImage{shard, counter, floor, s.Records[:0], s.Requests[:0], s.Strings[:0]}
}

// Len returns the number of records.
func (s *ShardImage) Len() int { return len(s.Records) / HoldImageBytes }

// Append adds a record. The strings are copied.
func (s *ShardImage) Append(h *HoldImage) {
	var r [HoldImageBytes]byte
	le := binary.LittleEndian
	le.PutUint64(r[0:], uint64(h.Token))
	le.PutUint64(r[8:], uint64(h.Deadline))
	le.PutUint64(r[16:], uint64(h.Since))
	le.PutUint32(r[24:], h.TTLMs)
	le.PutUint32(r[28:], h.Count)
	le.PutUint64(r[32:], uint64(len(s.Strings)))
	le.PutUint16(r[40:], uint16(len(h.Name)))
	le.PutUint16(r[42:], uint16(len(h.Service)))
	le.PutUint16(r[44:], uint16(len(h.Meta)))
	le.PutUint16(r[46:], uint16(h.Flags))
	s.Records = append(s.Records, r[:]...)
	s.Strings = append(append(append(s.Strings, h.Name...), h.Service...), h.Meta...)
	if h.Flags&HoldPermits != 0 {
		s.Strings = le.AppendUint32(s.Strings, h.Permits)
	}
}

// At fills h with record i, whose strings alias the image. Check must have succeeded.
func (s *ShardImage) At(i int, h *HoldImage) {
	r, le := s.Records[i*HoldImageBytes:], binary.LittleEndian
	h.Token = Token(le.Uint64(r[0:]))
	h.Deadline = int64(le.Uint64(r[8:]))
	h.Since = int64(le.Uint64(r[16:]))
	h.TTLMs = le.Uint32(r[24:])
	h.Count = le.Uint32(r[28:])
	text := s.Strings[le.Uint64(r[32:]):]
	name, service, meta := int(le.Uint16(r[40:])), int(le.Uint16(r[42:])), int(le.Uint16(r[44:]))
	h.Name = text[:name:name]
	h.Service = text[name : name+service : name+service]
	h.Meta = text[name+service : name+service+meta : name+service+meta]
	h.Flags = HoldFlags(le.Uint16(r[46:]))
	h.Permits = 0
	if h.Flags&HoldPermits != 0 {
		h.Permits = le.Uint32(text[name+service+meta:])
	}
}

// Check returns the first error of the image. If there is none, At can be called for every record,
// and its results are within the limits.
func (s *ShardImage) Check() error {
	if len(s.Records)%HoldImageBytes != 0 {
		return fmt.Errorf("%d bytes of records are not a whole number of them", len(s.Records))
	}
	if s.Counter > TokenMax || s.ClaimFloor > s.Counter {
		return fmt.Errorf("token counter %d with a claim floor of %d", s.Counter, s.ClaimFloor)
	}
	if len(s.Requests)%RequestImageBytes != 0 {
		return fmt.Errorf("%d bytes of requests are not a whole number of records", len(s.Requests))
	}
	// The strings of holds and those of requests have each the order of their records, and together
	// they fill all of the strings.
	next, hold, request := uint64(0), 0, 0
	for hold < s.Len() || request < s.RequestCount() {
		switch {
		case hold < s.Len() && s.holdStrings(hold) == next:
			if err := s.checkHold(hold, &next); err != nil {
				return fmt.Errorf("record %d: %w", hold, err)
			}
			hold++
		case request < s.RequestCount() && s.requestStrings(request) == next:
			if err := s.checkRequest(request, &next); err != nil {
				return fmt.Errorf("request %d: %w", request, err)
			}
			request++
		default:
			return fmt.Errorf("record %d, request %d: their strings are not where they must be", hold, request)
		}
	}
	if next != uint64(len(s.Strings)) {
		return fmt.Errorf("%d bytes of strings belong to no record", uint64(len(s.Strings))-next)
	}
	return nil
}

// holdStrings returns the offset of the strings of record i.
func (s *ShardImage) holdStrings(i int) uint64 {
	return binary.LittleEndian.Uint64(s.Records[i*HoldImageBytes+32:])
}

// checkHold checks record i, whose strings begin at next, and moves next to their end.
func (s *ShardImage) checkHold(i int, next *uint64) error {
	r, le := s.Records[i*HoldImageBytes:], binary.LittleEndian
	size := uint64(le.Uint16(r[40:])) + uint64(le.Uint16(r[42:])) + uint64(le.Uint16(r[44:]))
	if HoldFlags(le.Uint16(r[46:]))&HoldPermits != 0 {
		size += permitsLen
	}
	if size > uint64(len(s.Strings))-*next {
		return errStrings
	}
	*next += size
	var h HoldImage
	s.At(i, &h)
	if what := s.wrong(&h); what != "" {
		return errors.New(what)
	}
	return nil
}

var errStrings = errors.New("its strings are longer than all strings")

// wrong describes what is impossible in a hold, or returns "".
func (s *ShardImage) wrong(h *HoldImage) string {
	ended := h.Flags&(HoldReleased|HoldFenced) != 0
	state, share := h.Flags&holdStates, h.Flags&holdShares
	switch {
	case h.Token == 0 || h.Token > s.Counter:
		return "its token was never given"
	case len(h.Name) == 0 || len(h.Name) > NameMax:
		return "its name is empty or too long"
	case len(h.Service) > ServiceMax || len(h.Service) == 0 && h.Flags != HoldFenced:
		return "its owner is empty or too long"
	case len(h.Meta) > MetaMax:
		return "its META is too long"
	case h.Flags != state|share || state&(state-1) != 0 || share&(share-1) != 0:
		return "unknown flags"
	case share == HoldPermits && (h.Permits == 0 || h.Permits > PermitsMax || h.Count > h.Permits):
		return "its permits can't be"
	case ended != (h.Count == 0) || h.Count > math.MaxInt32:
		return "its count can't be"
	case !ended && (h.TTLMs < TTLMinMs || h.TTLMs > TTLMaxMs):
		return "its TTL is out of range"
	}
	return ""
}
