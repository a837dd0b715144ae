package engine

import (
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestFailedHandshakesHaveALineAMinute floods a port, also with clients that leave without a word.
func TestFailedHandshakesHaveALineAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSim(t, nil)
		g, from := &gate{e: s.e, via: viaTLS}, &net.TCPAddr{IP: net.ParseIP("192.0.2.1"), Port: 7}
		fail := func(times int, cause error) {
			for range times {
				s.time += int64(time.Second) // no address is too fast
				came, _ := g.Admit(from)
				g.Insecure(came, from, cause)
			}
		}
		fail(5, io.EOF)
		if s.log.Len() > 0 {
			t.Fatalf("clients that have left are logged:\n%s", &s.log)
		}
		fail(10, errors.New("tls: bad certificate"))
		time.Sleep(HandshakeLogEvery)
		fail(10, errors.New("tls: bad certificate"))
		lines := strings.Split(strings.TrimSpace(s.log.String()), "\n")
		if len(lines) != 2 {
			t.Fatalf("%d lines of 20 handshakes:\n%s", len(lines), &s.log)
		}
		const line = `level=WARN msg="TLS handshakes failed" event=handshakes-failed result=failed count=%s from=192.0.2.1:7 error="tls: bad certificate"`
		for i, count := range []string{"1", "10"} {
			if want := strings.Replace(line, "%s", count, 1); !strings.HasSuffix(lines[i], want) {
				t.Errorf("got  %s\nwant ... %s", lines[i], want)
			}
		}
	})
}

// TestProxyWithoutHeaderIsNamed checks that a missing header is no limit of connections.
func TestProxyWithoutHeaderIsNamed(t *testing.T) {
	s := newSim(t, nil)
	g := &gate{e: s.e}
	for range 10 {
		g.NoHeader(&net.TCPAddr{IP: net.ParseIP("192.0.2.1"), Port: 7}, errors.New("no header within 1s"))
	}
	text := s.log.String()
	for _, want := range []string{"event=no-proxy-header", "--proxy-from", "from=192.0.2.1:7", `error="no header within 1s"`} {
		if !strings.Contains(text, want) || strings.Count(text, "\n") != 1 {
			t.Errorf("want one line with %s:\n%s", want, text)
		}
	}
}
