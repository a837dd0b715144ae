package transport

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
)

const (
	// recordMax is the most bytes that a record of TLS carries. Write gives the kernel one record
	// at a time, so that it knows which bytes the peer may be able to decrypt.
	recordMax = 16 << 10
	// recordOverhead is more than TLS adds to a record.
	recordOverhead = 1 << 10
	// plainMax is the size of the buffer for decrypted input. A read brings at most ReadMax bytes,
	// and crypto/tls keeps less than one record of earlier reads.
	plainMax = ReadMax + 2*recordMax
	// restMax is how many encrypted bytes may wait for the kernel. More than one record waits only
	// if the peer asks for new keys again and again, and reads none of the answers.
	restMax = 4 * recordMax
)

// emptyMax is how many encrypted bytes may come without a byte of the user: less than a record, and
// what little else TLS may say. crypto/tls would keep 256 KiB of a message of the handshake.
const emptyMax = 2 * recordMax

// errNoData ends a connection whose peer sends much and says nothing.
var errNoData = errors.New("tls: too many bytes without data")

// errKeysUnread ends a connection whose peer asks for new keys and reads no answer.
var errKeysUnread = errors.New("tls: too many unread answers to updates of keys")

// TLSLink is a connection over TLS. It stands between a Socket, whose Conn it is, and the Conn of
// the engine, whose Link it is. crypto/tls runs on the loop, without a goroutine of its own: its
// reads end with a temporary error when the input is used up, and its writes go to memory.
//
//	Socket --Feed--> wire.in --tls.Read--> user.Feed
//	Socket <--push-- wire.out <--tls.Write-- Write        rest: what the kernel did not take
//
// Only records that the kernel has taken completely count as written, because nobody can read a
// part of a record.
type TLSLink struct {
	Link      // the socket below; in tests one in memory
	user Conn // of the engine
	tls  *tls.Conn
	wire *wire
	bufs *tlsBuffers // of the loop

	rest     []byte // encrypted bytes that the kernel has not taken; nil: none
	owed     int    // bytes of the user that are in rest
	empty    int    // bytes that have come since the last byte of the user
	counts   tlsCounts
	closed   bool // Lost or Gone was called
	ended    bool // the peer has ended its stream within TLS
	finished bool // the peer was told that nothing more will come
}

// tlsBuffers are shared by the connections of a loop.
type tlsBuffers struct {
	plain []byte // input
	out   []byte // one record
}

func newTLSBuffers() *tlsBuffers {
	return &tlsBuffers{plain: make([]byte, plainMax), out: make([]byte, 0, recordMax+recordOverhead)}
}

// NewTLSLink does the server's side of the handshake of a connection, in which it computes with a
// permit. Open must follow.
func NewTLSLink(conn net.Conn, config *tls.Config, work Permits) (*TLSLink, error) {
	work.Acquire()
	defer work.Release()
	w := &wire{Conn: conn, work: work}
	s := &TLSLink{wire: w, tls: tls.Server(w, config)}
	err := s.tls.Handshake()
	w.Conn = nil
	return s, err
}

// Open begins the connection on a loop. Its encrypted bytes go to the Link below. bufs are those of
// the loop; nil: it gets some of its own.
func (s *TLSLink) Open(below Link, bufs *tlsBuffers, loop Loop, came any) (id uint64) {
	if s.Link, s.bufs = below, bufs; bufs == nil {
		s.bufs = newTLSBuffers()
	}
	s.user, id = loop.Open(s, came)
	return id
}

// Feed decrypts what has arrived and hands it to the user, all of it together, as a Socket does.
func (s *TLSLink) Feed(in []byte, full bool) {
	if s.closed || s.ended {
		return
	}
	s.wire.in = in
	n, err := 0, error(nil)
	for err == nil && n < plainMax {
		var took int
		took, err = s.tls.Read(s.bufs.plain[n:])
		n += took
	}
	if err == nil {
		panic(fmt.Sprintf("BUG: %d bytes that were read are %d bytes in plain", len(in), n))
	}
	s.wire.in = nil
	failed := s.answer()
	s.empty += len(in)
	if n > 0 {
		s.empty = 0
		s.user.Feed(s.bufs.plain[:n], full)
	}
	switch {
	case s.closed:
	case failed != nil:
		s.fail(failed)
	case errors.Is(err, io.EOF):
		s.ended = true
		s.user.InputEnded()
	case !errors.Is(err, errNoInput):
		s.fail(err)
	case s.empty > emptyMax:
		s.fail(errNoData)
	}
}

// answer sends what crypto/tls has to say to what it has read: new keys, or why it refuses a
// record.
func (s *TLSLink) answer() error {
	out := s.wire.out
	s.wire.out = nil
	if len(out) == 0 {
		return nil
	}
	return s.push(out)
}

// Write encrypts p and gives it to the kernel.
func (s *TLSLink) Write(p []byte) (n int, err error) {
	if s.rest != nil {
		n, err = s.pushRest()
	}
	for n < len(p) && err == nil && s.rest == nil {
		piece := p[n:min(n+recordMax, len(p))]
		s.wire.out = s.bufs.out[:0]
		if _, err = s.tls.Write(piece); err == nil {
			err = s.push(s.wire.out)
		}
		s.wire.out = nil
		switch {
		case err != nil:
		case s.rest != nil:
			s.owed = len(piece)
		default:
			n += len(piece)
			s.counts.add(len(piece))
		}
	}
	return n, err
}

// push gives encrypted bytes to the kernel, after those that wait for it. It keeps a copy of what
// the kernel does not take.
func (s *TLSLink) push(p []byte) error {
	if s.rest == nil {
		n, err := s.Link.Write(p)
		s.counts.sent += int64(n)
		if n == len(p) || err != nil {
			return err
		}
		p = p[n:]
	}
	if len(s.rest)+len(p) > restMax {
		return errKeysUnread
	}
	s.rest = append(s.rest, p...)
	return nil
}

// pushRest gives the kernel what waits for it, and returns how many bytes of the user have left
// with that. Write calls it with these bytes once more.
func (s *TLSLink) pushRest() (plain int, err error) {
	n, err := s.Link.Write(s.rest)
	s.counts.sent += int64(n)
	if s.rest = s.rest[n:]; len(s.rest) > 0 || err != nil {
		return 0, err
	}
	plain = s.owed
	s.rest, s.owed = nil, 0
	s.counts.add(plain)
	return plain, nil
}

// Unacked returns how many bytes of those taken the peer has certainly not acknowledged.
func (s *TLSLink) Unacked() (n int, known bool) {
	n, known = s.Link.Unacked()
	return s.counts.after(n), known
}

// Untransmitted returns how many bytes of those taken have certainly not been transmitted.
func (s *TLSLink) Untransmitted() int { return s.counts.after(s.Link.Untransmitted()) }

// Finish tells the peer within TLS that nothing more will come, and sends the end of the stream.
func (s *TLSLink) Finish() {
	s.notify()
	s.Link.Finish()
}

// Close ends the connection. The peer learns that the end is no cut, if the kernel has room.
func (s *TLSLink) Close() {
	s.notify()
	s.Link.Close()
}

// notify sends close_notify once. A peer that has not read what was before it gets none.
func (s *TLSLink) notify() {
	if s.finished || s.closed || s.rest != nil {
		return
	}
	s.finished = true
	s.wire.out = s.bufs.out[:0]
	if err := s.tls.CloseWrite(); err == nil {
		_ = s.push(s.wire.out) // an error means that the peer is gone
	}
	s.wire.out = nil
}

// fail ends a connection whose input is not what TLS allows.
func (s *TLSLink) fail(cause error) {
	s.Gone(cause)
	s.Link.Close()
}

// InputEnded is the end of the peer's stream. Without close_notify before it, it is the end of the
// input too: each record is whole or not there.
func (s *TLSLink) InputEnded() (alive, output bool) { return s.user.InputEnded() }

// Gone ends a connection that has failed.
func (s *TLSLink) Gone(cause error) {
	if !s.closed {
		s.closed = true
		s.user.Gone(cause)
	}
}

// Lost ends a connection that is closed.
func (s *TLSLink) Lost() {
	if !s.closed {
		s.closed = true
		s.user.Lost()
	}
}
