package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

// rawPeer is a connection that a test reads and writes as it likes.
type rawPeer struct {
	*net.TCPConn
	r *bufio.Reader
}

func dialRaw(t *testing.T, addr string) *rawPeer {
	t.Helper()
	p, err := tryDial(addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return p
}

// tryDial connects, for any goroutine.
func tryDial(addr string) (*rawPeer, error) {
	conn, err := net.DialTimeout("tcp", addr, eventually)
	if err != nil {
		return nil, err
	}
	conn.SetDeadline(time.Now().Add(eventually))
	return &rawPeer{conn.(*net.TCPConn), bufio.NewReader(conn)}, nil
}

// ask sends a line and returns the next one, within the time that waits have.
func (p *rawPeer) ask(line string) (string, error) {
	p.SetDeadline(time.Now().Add(eventually))
	if _, err := io.WriteString(p, line+"\n"); err != nil {
		return "", err
	}
	reply, err := p.r.ReadString('\n')
	return strings.TrimSuffix(reply, "\n"), err
}

// rest returns all that comes until the connection ends. That it ends by a
// reset is no error: input that the server did not want may be in its socket.
func (p *rawPeer) rest(t *testing.T) string {
	t.Helper()
	p.SetDeadline(time.Now().Add(eventually))
	b, err := io.ReadAll(p.r)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("the server did not close the connection; it sent %.200q", b)
	}
	return string(b)
}

// infoNumbers asks for a section of INFO and returns its numbers.
func infoNumbers(t *testing.T, c *client, section string) map[string]int64 {
	t.Helper()
	head := c.ask(t, "INFO "+section)
	var n int
	if _, err := fmt.Sscanf(head, "OK lines=%d", &n); err != nil {
		t.Fatalf("INFO %s: %q", section, head)
	}
	values := map[string]int64{}
	for range n {
		name, value, _ := strings.Cut(c.receive(t), ":")
		if v, err := strconv.ParseInt(value, 10, 64); err == nil {
			values[name] = v
		}
	}
	return values
}

// waitInfo asks until a number of INFO is at least want.
func waitInfo(t *testing.T, c *client, section, name string, want int64) {
	t.Helper()
	var got int64
	for end := time.Now().Add(eventually); time.Now().Before(end); {
		if got = infoNumbers(t, c, section)[name]; got >= want {
			return
		}
	}
	t.Fatalf("%s is %d, want at least %d", name, got, want)
}

// bystander is a client that holds a lock and depends on its heartbeats while other clients
// misbehave. Any disturbance of it fails the test.
type bystander struct {
	beats int
	worst time.Duration // longest time to an answer; for the log
	quit  chan struct{}
	done  chan error
}

const bystanderLock = "ACQUIRE kept bystander 0 TTL 10000"

// standBy starts a bystander of the server.
func standBy(t *testing.T, addr string, before ...string) *bystander {
	t.Helper()
	return dialRaw(t, addr).standBy(t, before...)
}

// standBy makes a bystander of a connection.
func (p *rawPeer) standBy(t *testing.T, before ...string) *bystander {
	t.Helper()
	for _, line := range append(before, bystanderLock) {
		if got, err := p.ask(line); err != nil || got != "OK" {
			t.Fatalf("bystander: %s: %q, %v", line, got, err)
		}
	}
	b := &bystander{quit: make(chan struct{}), done: make(chan error, 1)}
	go func() { b.done <- b.beat(p) }()
	t.Cleanup(func() {
		select {
		case <-b.quit:
		default:
			close(b.quit)
		}
	})
	return b
}

// beat sends heartbeats, the last one after the end of the others' misbehavior.
func (b *bystander) beat(p *rawPeer) error {
	for last := false; !last; {
		select {
		case <-b.quit:
			last = true
		default:
		}
		begin := time.Now()
		if got, err := p.ask("HEARTBEAT kept bystander"); err != nil || got != "OK" {
			return fmt.Errorf("heartbeat %d: %q, %w", b.beats, got, err)
		}
		b.worst = max(b.worst, time.Since(begin))
		b.beats++
		time.Sleep(time.Millisecond) // the pace of a busy client
	}
	return nil
}

// end stops the bystander and fails the test if it was disturbed.
func (b *bystander) end(t *testing.T) {
	t.Helper()
	close(b.quit)
	select {
	case err := <-b.done:
		if err != nil {
			t.Errorf("a bystander was disturbed: %v", err)
		}
		if b.beats == 0 {
			t.Error("the bystander did nothing")
		}
		t.Logf("bystander: %d heartbeats, longest %v", b.beats, b.worst)
	case <-time.After(2 * eventually):
		t.Error("the bystander hangs")
	}
}
