package codec

import (
	"encoding/binary"
	"errors"
)

// RequestImage is the record of one request with REQ in its durable form. Package table has the
// states.
type RequestImage struct {
	Token   Token  // of the hold that was granted or released; 0: none
	Until   int64  // table time in ns at which it is forgotten; 0: its hold stands
	Args    uint32 // digest of its other arguments
	Count   uint32 // of a RELEASE: acquires less releases after it
	Number  uint64 // its place among those that have waited
	State   uint8  // RequestGranted to RequestForced
	Flags   RequestFlags
	Name    []byte
	Service []byte
	ID      []byte
}

// RequestFlags are durable: bits are never used again.
type RequestFlags uint8

// RequestRepeated says that the grant was answered to a repeat.
const RequestRepeated RequestFlags = 1

// First and last state that a request in an image can have. Waiting requests are in no image,
// because their connections end with the server, nor are requests that may be tried anew.
const (
	RequestGranted uint8 = 2
	RequestForced  uint8 = 7
)

// RequestImageBytes is the size of a record in ShardImage.Requests:
//
//	 0  token      8
//	 8  until      8
//	16  number     8
//	24  strings    8   offset of its strings: name, service and id, without gaps
//	32  args       4
//	36  count      4
//	40  name       2   lengths of the strings
//	42  service    2
//	44  id         1
//	45  state      1
//	46  flags      1
//	47  zero       1
//
// All numbers are little-endian.
const RequestImageBytes = 48

// RequestCount returns the number of records of requests.
func (s *ShardImage) RequestCount() int { return len(s.Requests) / RequestImageBytes }

// AppendRequest adds the record of a request. The strings are copied.
func (s *ShardImage) AppendRequest(q *RequestImage) {
	var r [RequestImageBytes]byte
	le := binary.LittleEndian
	le.PutUint64(r[0:], uint64(q.Token))
	le.PutUint64(r[8:], uint64(q.Until))
	le.PutUint64(r[16:], q.Number)
	le.PutUint64(r[24:], uint64(len(s.Strings)))
	le.PutUint32(r[32:], q.Args)
	le.PutUint32(r[36:], q.Count)
	le.PutUint16(r[40:], uint16(len(q.Name)))
	le.PutUint16(r[42:], uint16(len(q.Service)))
	r[44], r[45], r[46] = uint8(len(q.ID)), q.State, uint8(q.Flags)
	s.Requests = append(s.Requests, r[:]...)
	s.Strings = append(append(append(s.Strings, q.Name...), q.Service...), q.ID...)
}

// RequestAt fills q with record i, whose strings alias the image. Check must have succeeded.
func (s *ShardImage) RequestAt(i int, q *RequestImage) {
	r, le := s.Requests[i*RequestImageBytes:], binary.LittleEndian
	q.Token = Token(le.Uint64(r[0:]))
	q.Until = int64(le.Uint64(r[8:]))
	q.Number = le.Uint64(r[16:])
	q.Args = le.Uint32(r[32:])
	q.Count = le.Uint32(r[36:])
	text := s.Strings[le.Uint64(r[24:]):]
	name, service, id := int(le.Uint16(r[40:])), int(le.Uint16(r[42:])), int(r[44])
	q.Name = text[:name:name]
	q.Service = text[name : name+service : name+service]
	q.ID = text[name+service : name+service+id : name+service+id]
	q.State, q.Flags = r[45], RequestFlags(r[46])
}

// requestStrings returns the offset of the strings of request i.
func (s *ShardImage) requestStrings(i int) uint64 {
	return binary.LittleEndian.Uint64(s.Requests[i*RequestImageBytes+24:])
}

// checkRequest is checkHold for request i.
func (s *ShardImage) checkRequest(i int, next *uint64) error {
	r, le := s.Requests[i*RequestImageBytes:], binary.LittleEndian
	size := uint64(le.Uint16(r[40:])) + uint64(le.Uint16(r[42:])) + uint64(r[44])
	if size > uint64(len(s.Strings))-*next {
		return errStrings
	}
	*next += size
	var q RequestImage
	s.RequestAt(i, &q)
	switch {
	case q.Token > s.Counter || q.State == RequestGranted && q.Token == 0:
		return errors.New("its token was never given")
	case len(q.Name) == 0 || len(q.Name) > NameMax:
		return errors.New("its name is empty or too long")
	case len(q.Service) == 0 || len(q.Service) > ServiceMax:
		return errors.New("its service is empty or too long")
	case len(q.ID) == 0 || len(q.ID) > ReqMax:
		return errors.New("its id is empty or too long")
	case q.State < RequestGranted || q.State > RequestForced:
		return errors.New("its state is unknown")
	case (q.State == RequestGranted) != (q.Until == 0) || q.Until < 0:
		return errors.New("its time can't be")
	case q.Flags&^RequestRepeated != 0 || r[47] != 0:
		return errors.New("unknown flags")
	}
	return nil
}
