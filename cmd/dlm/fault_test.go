package main

import (
	"bufio"
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// line is a connection for tests that send lines.
type line struct {
	t  *testing.T
	c  net.Conn
	in *bufio.Reader
}

func dialLine(t *testing.T, addr string) *line {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(3 * eventually))
	return &line{t, c, bufio.NewReader(c)}
}

func (l *line) send(text string) {
	l.t.Helper()
	if _, err := l.c.Write([]byte(text + "\n")); err != nil {
		l.t.Fatal(err)
	}
}

func (l *line) read() string {
	l.t.Helper()
	s, err := l.in.ReadString('\n')
	if err != nil {
		l.t.Fatalf("%v after %q", err, s)
	}
	return strings.TrimSpace(s)
}

func (l *line) ask(text string) string {
	l.t.Helper()
	l.send(text)
	return l.read()
}

// info returns one value of INFO.
func (l *line) info(name string) int {
	l.t.Helper()
	var n int
	if _, err := fmt.Sscanf(l.ask("INFO"), "OK lines=%d", &n); err != nil {
		l.t.Fatal(err)
	}
	value := -1
	for range n {
		if text, found := strings.CutPrefix(l.read(), name+":"); found {
			value, _ = strconv.Atoi(text)
		}
	}
	if value < 0 {
		l.t.Fatalf("INFO has no %s", name)
	}
	return value
}

// TestStoppedServerExpiresNobodyWhoSentHeartbeats stops the process itself for
// three leases.
func TestStoppedServerExpiresNobodyWhoSentHeartbeats(t *testing.T) {
	const lease = 600 * time.Millisecond
	p := startServer(t, nil, "--lease", lease.String())
	holders := make([]*line, 50)
	tokens := make([]string, len(holders))
	for i := range holders {
		holders[i] = dialLine(t, p.addr)
		holders[i].ask("DETAIL ON")
	}
	silent := dialLine(t, p.addr)
	if got := silent.ask("ACQUIRE silent svc 0"); got != "OK" {
		t.Fatal(got)
	}

	p.stopWithin(t, lease, func() {
		for i, h := range holders {
			answer := h.ask(fmt.Sprintf("ACQUIRE lock%d svc%d 0", i, i))
			if _, err := fmt.Sscanf(answer, "OK token=%s", &tokens[i]); err != nil {
				t.Fatal(answer)
			}
		}
	})
	beats := 0
	const pace = lease / 6 // of the holders
	for began := time.Now(); time.Since(began) < 3*lease; time.Sleep(pace) {
		for i, h := range holders {
			h.send(fmt.Sprintf("HEARTBEAT lock%d svc%d", i, i))
		}
		beats++
	}
	p.signal(t, syscall.SIGCONT)

	for i, h := range holders {
		for range beats {
			if got := h.read(); !strings.HasPrefix(got, "OK token="+tokens[i]+" ") {
				t.Fatalf("holder %d, which sent heartbeats all the time: %q", i, got)
			}
		}
	}
	if n := silent.info("process_pauses"); n == 0 {
		t.Error("no pause was counted")
	}
	waiter := dialLine(t, p.addr)
	if got := waiter.ask("ACQUIRE silent other 10000"); got != "OK" {
		t.Errorf("the lock of a silent holder: %q", got)
	}
}

// TestFewDescriptors lets 200 clients come to a server that may open 64 files.
func TestFewDescriptors(t *testing.T) {
	for name, args := range map[string]string{
		"with the limit known": "",
		// more than fit beside the server's own open files
		"with descriptors running out": "--max-conns 55",
	} {
		t.Run(name, func(t *testing.T) {
			cmd := exec.Command("sh", "-c", "ulimit -n 64; exec "+binary+" server --listen 127.0.0.1:0 --log-format json "+args)
			cmd.Env = cleanEnv()
			p := startProcess(t, cmd)
			first := dialLine(t, p.addr)
			if got := first.ask("ACQUIRE kept first 0"); got != "OK" {
				t.Fatal(got)
			}
			served, refused := 0, 0
			var conns []net.Conn
			for i := range 200 {
				c, err := net.Dial("tcp", p.addr)
				if err != nil {
					t.Fatal(err)
				}
				conns = append(conns, c)
				c.SetDeadline(time.Now().Add(eventually))
				fmt.Fprintf(c, "ACQUIRE kept other%d 0\n", i)
				answer, err := bufio.NewReader(c).ReadString('\n')
				switch {
				case strings.HasPrefix(answer, "ERROR TIMEOUT"):
					served++
				case err != nil && !os.IsTimeout(err), strings.HasPrefix(answer, "ERROR LIMIT"):
					refused++
				default:
					t.Fatalf("client %d: %q, %v", i, answer, err)
				}
				if got := first.ask("HEARTBEAT kept first"); got != "OK" {
					t.Fatalf("an established client: %q", got)
				}
			}
			if served < 10 || refused < 130 {
				t.Errorf("%d served, %d refused", served, refused)
			}
			record := p.waitLog(t, "connections beyond a limit")
			if record["reason"] != "max_conns" && record["reason"] != "file_limit" {
				t.Errorf("log: %v", record)
			}
			for _, c := range conns {
				c.Close()
			}
			waitUntil(t, "a new client is served after relief", func() bool {
				c, err := net.Dial("tcp", p.addr)
				if err != nil {
					return false
				}
				defer c.Close()
				c.SetDeadline(time.Now().Add(eventually))
				fmt.Fprint(c, "PING\n")
				answer, _ := bufio.NewReader(c).ReadString('\n')
				return answer == "OK\n"
			})
		})
	}
}

// waitUntil polls a condition that must come true.
func waitUntil(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(eventually); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not seen: %s", what)
		}
	}
}

// TestClientThatNeverReads: it is closed after 10 s without room for its replies, and costs no more
// memory than its limits until then.
func TestClientThatNeverReads(t *testing.T) {
	p := startServer(t, nil, "--max-unread", "4MiB")
	other := dialLine(t, p.addr)
	for i := range 1000 {
		other.ask(fmt.Sprintf("ACQUIRE %s%d svc 0", strings.Repeat("n", 500), i))
	}
	before := other.info("used_memory_rss")
	for range 5 {
		deaf, err := net.Dial("tcp", p.addr)
		if err != nil {
			t.Fatal(err)
		}
		defer deaf.Close()
		request := []byte(strings.Repeat("LOCKS LIMIT 1000\n", 100))
		deaf.SetWriteDeadline(time.Now().Add(eventually))
		for range 1000 {
			if _, err = deaf.Write(request); err != nil {
				break // it has been closed already
			}
		}
		if got := other.ask("PING"); got != "OK" {
			t.Fatal(got)
		}
	}
	most := 64 << 20
	if hasRace() {
		most *= 4 // the race detector keeps a shadow of all memory
	}
	if grown := other.info("used_memory_rss") - before; grown > most {
		t.Errorf("resident memory has grown by %d bytes", grown)
	}
	waitUntil(t, "five slow clients counted", func() bool { return other.info("slow_clients_closed") == 5 })
	waitUntil(t, "their memory is accounted for no more", func() bool { return other.info("buffered_bytes") == 0 })
}

// TestSecondSignalKills ends a server that waits for a client to read.
func TestSecondSignalKills(t *testing.T) {
	cmd := exec.Command(binary, "server", "--listen", "127.0.0.1:0", "--http", "off", "--log-format", "json", "--stop-timeout", "60s",
		"--max-unread", strconv.Itoa(64<<20))
	cmd.Env = cleanEnv()
	p := startProcess(t, cmd)
	deaf := dialLine(t, p.addr)
	// More answers than fit into the kernel's buffers.
	go deaf.c.Write(bytes.Repeat([]byte("HELP\n"), 60_000))
	other := dialLine(t, p.addr)
	waitUntil(t, "output is stuck", func() bool { return other.info("buffered_bytes") > 1<<20 })
	p.signal(t, syscall.SIGTERM)
	p.waitLog(t, "stopping")
	// A signal within the same instant may still count as the first.
	var err error
	waitUntil(t, "the second signal ends the process", func() bool {
		p.cmd.Process.Signal(syscall.SIGTERM)
		select {
		case err = <-p.exited:
			p.exited <- err // for end
			return true
		default:
			return false
		}
	})
	if status, ok := err.(*exec.ExitError); !ok || status.Sys().(syscall.WaitStatus).Signal() != syscall.SIGTERM {
		t.Errorf("ended with %v", err)
	}
	p.cmd.Path = "" // it was meant to be killed
}
