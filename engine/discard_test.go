package engine

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"time"
)

// TestInputAfterTheLastAnswerIsBounded: the answer stays readable, and the connection ends.
func TestInputAfterTheLastAnswerIsBounded(t *testing.T) {
	s := newSim(t, nil)
	k := s.dial(0)
	k.send("GET / HTTP/1.1\r\n")
	flood := strings.Repeat("x", 64<<10)
	for range discardMax / len(flood) {
		k.send(flood)
	}
	if k.deaf || k.gone {
		t.Fatalf("what the peer may have sent before it read: deaf %v, gone %v", k.deaf, k.gone)
	}
	k.send("x")
	if !k.deaf || k.gone {
		t.Fatalf("more than that: deaf %v, gone %v", k.deaf, k.gone)
	}
	k.expectPrefix("ERROR BADARG ")
	s.advance(lingerMax + time.Second)
	s.sweep()
	if !k.gone {
		t.Error("the connection stays")
	}
	s.empty()
}

// TestPeerThatSendsForEverIsStopped over a real socket: what it sends is not read, the answer
// arrives, and the connection ends.
func TestPeerThatSendsForEverIsStopped(t *testing.T) {
	e := serve(t, func(*Config) {})
	conn := dialServer(t, e)
	if _, err := io.WriteString(conn, "GET / HTTP/1.1\r\n"); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		flood := bytes.Repeat([]byte{'x'}, 1<<20)
		for range 1 << 10 { // seconds of it, if the server reads all
			if _, err := conn.Write(flood); err != nil {
				return
			}
		}
	}()
	answer, err := io.ReadAll(conn)
	if err != nil || !strings.HasPrefix(string(answer), "ERROR BADARG ") {
		t.Errorf("%q, %v", answer, err)
	}
	<-done // the connection is closed
	var read uint64
	for _, r := range e.reactors {
		if r.wakeLoop.Load() != nil && !r.onLoop(t.Context(), func() { read += r.traffic.now.Received }) {
			t.Fatal("a loop does not answer")
		}
	}
	if most := uint64(discardMax + 256<<10); read > most {
		t.Errorf("%d bytes were read, want at most %d", read, most)
	}
}
