package bench

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
)

// readLen is the length of the buffer that all sockets of a loop read into.
const readLen = 256 << 10

// socket is a connection in a poller. Its owner is the loop of the poller.
type socket struct {
	p      *poller
	fd     int
	key    int
	unsent []byte // what the kernel has not taken yet; aliases what was to be sent
	armed  bool   // the poller waits for room to send
	carry  []byte // the beginning of a reply
	// refill returns what is to be sent once unsent has gone, nil if nothing is; nil: send alone
	// gives the socket something to send.
	refill func() []byte
}

// openSocket connects, authenticates and hands the connection to p.
func openSocket(c *Config, p *poller, key int) (*socket, error) {
	conn, err := dial(c)
	if err != nil {
		return nil, err
	}
	fd, err := p.adopt(conn.Conn, key)
	if err != nil {
		return nil, err
	}
	return &socket{p: p, fd: fd, key: key}, nil
}

func (s *socket) close() { s.p.drop(s.fd) }

// send sends b after what is unsent. b must not change until it is sent.
func (s *socket) send(b []byte) error {
	if len(s.unsent) == 0 {
		s.unsent = b
	} else {
		s.unsent = append(slices.Clip(s.unsent), b...)
	}
	return s.flush()
}

// flush sends what is unsent, as far as the kernel takes it.
func (s *socket) flush() error {
	for {
		if len(s.unsent) == 0 && s.refill != nil {
			s.unsent = s.refill()
		}
		if len(s.unsent) == 0 {
			break
		}
		n, err := s.p.write(s.fd, s.unsent)
		if err != nil {
			return err
		}
		s.unsent = s.unsent[n:]
		if n == 0 {
			break
		}
	}
	if wait := len(s.unsent) > 0; wait != s.armed {
		s.armed = wait
		return s.p.watch(s.fd, s.key, wait)
	}
	return nil
}

// receive reads into buf, after what was carried over. The caller hands to keep
// the bytes that it does not use.
func (s *socket) receive(buf []byte) ([]byte, error) {
	held := copy(buf, s.carry)
	n, err := s.p.read(s.fd, buf[held:])
	if errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("the server closed a connection in the middle of the run; the last it sent was %s",
			strconv.Quote(string(s.carry)))
	}
	if err != nil {
		return nil, err
	}
	s.carry = s.carry[:0]
	return buf[:held+n], nil
}

func (s *socket) keep(rest []byte) { s.carry = append(s.carry[:0], rest...) }
