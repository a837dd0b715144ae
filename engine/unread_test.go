package engine

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"dlm/internal/testflag"
)

// ask sends a line and checks the answer.
func ask(t *testing.T, conn net.Conn, line, want string) {
	t.Helper()
	if _, err := fmt.Fprintln(conn, line); err != nil {
		t.Fatal(err)
	}
	got, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil || strings.TrimSpace(got) != want {
		t.Fatalf("%s: %q, %v", line, got, err)
	}
}

func dialServer(t *testing.T, e *Engine) *net.TCPConn {
	t.Helper()
	conn, err := net.Dial("tcp", e.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(testflag.Patience)); err != nil {
		t.Fatal(err)
	}
	return conn.(*net.TCPConn)
}

// array is a command in RESP.
func array(words ...string) string {
	b := fmt.Appendf(nil, "*%d\r\n", len(words))
	for _, w := range words {
		b = fmt.Appendf(b, "$%d\r\n%s\r\n", len(w), w)
	}
	return string(b)
}

// TestClientMaySendAllItsCommandsBeforeItReads: clients of Redis write a pipeline whole and then
// read.
func TestClientMaySendAllItsCommandsBeforeItReads(t *testing.T) {
	n := testflag.Large(100_000)
	for name, c := range map[string]struct {
		command func(i int) string
		last    string // a line of each answer
	}{
		"arrays": {func(i int) string { return array("ACQUIRE", fmt.Sprintf("l%d", i), "me", "0") }, "lease_ms\r\n"},
		"lines":  {func(i int) string { return fmt.Sprintf("ACQUIRE l%d me 0\n", i) }, "OK\n"},
		"with releases": {func(i int) string {
			return array([]string{"ACQUIRE", "RELEASE"}[i%2], fmt.Sprintf("l%d", i/2), "me", "0")[:]
		}, "lease_ms\r\n"},
	} {
		if name == "with releases" {
			c.command = func(i int) string {
				if i%2 == 0 {
					return array("ACQUIRE", fmt.Sprintf("l%d", i/2), "me", "0")
				}
				return array("RELEASE", fmt.Sprintf("l%d", i/2), "me")
			}
		}
		t.Run(name, func(t *testing.T) {
			e := serve(t, func(*Config) {})
			conn := dialServer(t, e)
			var in bytes.Buffer
			for i := range n {
				in.WriteString(c.command(i))
			}
			if _, err := conn.Write(in.Bytes()); err != nil {
				t.Fatalf("while the commands were written: %v", err)
			}
			answers := bufio.NewReader(conn)
			for done := 0; done < n; {
				line, err := answers.ReadString('\n')
				switch {
				case err != nil:
					t.Fatalf("after %d answers: %v", done, err)
				case line == c.last:
					done++
				case line[0] == '-' || line[0] == 'E':
					t.Fatal(line)
				}
			}
		})
	}
}

// TestPipelineWithWaitsIsAnsweredInItsOrder: 100,000 lines, of which the last part comes after
// waits that others end, are all written before the first answer is read.
func TestPipelineWithWaitsIsAnsweredInItsOrder(t *testing.T) {
	const waits = 10
	n := testflag.Large(100_000)
	e := serve(t, func(*Config) {})
	holder, conn := dialServer(t, e), dialServer(t, e)
	for k := range waits {
		ask(t, holder, fmt.Sprintf("ACQUIRE w%d holder 0", k), "OK")
	}
	var in, want strings.Builder
	k := 0
	for i := range n {
		switch {
		case i%3 == 2 && k < waits && i > n*7/10+k*n/50:
			fmt.Fprintf(&in, "ACQUIRE w%d me 60000\n", k)
			want.WriteString("OK\n")
			k++
		case i%3 == 0:
			fmt.Fprintf(&in, "ACQUIRE l%d me 0\n", i)
			want.WriteString("OK\n")
		case i%3 == 1:
			fmt.Fprintf(&in, "RELEASE l%d me\n", i-1)
			want.WriteString("OK\n")
		default:
			fmt.Fprintf(&in, "@%d RELEASE none me\nPING\n", i)
			want.WriteString("OK\n")
		}
	}
	if _, err := conn.Write([]byte(in.String())); err != nil {
		t.Fatal(err)
	}
	for k := range waits {
		eventually(t, "no wait has begun", func() bool { return e.tab().Totals().Waiters == 1 })
		ask(t, holder, fmt.Sprintf("RELEASE w%d holder", k), "OK")
	}
	var untagged strings.Builder
	all := bufio.NewReader(conn)
	for lines := 0; lines < n; {
		line, err := all.ReadString('\n')
		if err != nil {
			t.Fatalf("after %d lines: %v", lines, err)
		}
		if line[0] != '@' {
			untagged.WriteString(line)
			lines++
		} else if !strings.Contains(line, "ERROR NOTHELD") {
			t.Fatal(line)
		}
	}
	if untagged.String() != want.String() {
		t.Fatal("not all lines are OK")
	}
}

// TestGrantsWhoseRepliesHaveNotLeftAreTakenBack: a client sends a pipeline, reads none of it and
// goes.
func TestGrantsWhoseRepliesHaveNotLeftAreTakenBack(t *testing.T) {
	n := testflag.Large(200_000)
	e := serve(t, func(*Config) {})
	conn := dialServer(t, e)
	var in bytes.Buffer
	for i := range n {
		in.WriteString(array("ACQUIRE", fmt.Sprintf("l%d", i), "me", "0", "TTL", "3600000"))
	}
	if _, err := conn.Write(in.Bytes()); err != nil {
		t.Fatal(err)
	}
	eventually(t, "not all commands were executed", func() bool { return e.tab().Totals().Grants == uint64(n) })
	if err := conn.SetLinger(0); err != nil {
		t.Fatal(err)
	}
	conn.Close()
	eventually(t, "grants that never left the process stand", func() bool {
		totals := e.tab().Totals()
		return totals.TakeBacks > 0 && totals.Held+int(totals.TakeBacks) == n && e.buffers.total.Load() == 0
	})
	other := dialServer(t, e)
	fmt.Fprintf(other, "ACQUIRE l%d me2 20000\n", n-1)
	if line, err := bufio.NewReader(other).ReadString('\n'); err != nil || line != "OK\n" {
		t.Fatalf("the last of them is not free: %q, %v", line, err)
	}
}

func TestWhoReadsInEndGetsAllAnswersToItsCommandsAndReasonOfEnd(t *testing.T) {
	e := serve(t, func(*Config) {})
	conn := dialServer(t, e)
	const n = 300
	if _, err := conn.Write([]byte(strings.Repeat("HELP\n", n*10) + "QUIT\n")); err != nil {
		t.Fatal(err)
	}
	all, err := io.ReadAll(conn)
	if got := bytes.Count(all, []byte("OK lines=")); err != nil || got != n*10 || !bytes.HasSuffix(all, []byte("\nOK\n")) {
		t.Fatalf("%d answers in %d bytes, %v", got, len(all), err)
	}
}
