package main

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestStopWithManyWaiters ends a server while 500 clients wait: some with an untagged command, some
// with tags, some in RESP, some with more input after it.
func TestStopWithManyWaiters(t *testing.T) {
	p := startServer(t, nil, "--loops", "2")
	holder := dial(t, p.addr)
	holder.want(t, "ACQUIRE busy holder 0", "OK")
	const clients = 500
	const shutdown = "SHUTDOWN the server is stopping"
	waits, answers := 0, make(chan error, clients)
	for i := range clients {
		k := dialRaw(t, p.addr)
		id := fmt.Sprintf("waiter%04d", i)
		var input string
		var want []string
		switch i % 4 {
		case 0:
			input, want = "ACQUIRE busy "+id+" 60000\n", []string{"ERROR " + shutdown}
		case 1:
			input = "@a ACQUIRE busy " + id + " 60000\n@b ACQUIRE busy " + id + " 60000\n"
			want = []string{"@a ERROR " + shutdown, "@b ERROR " + shutdown}
		case 2:
			input, want = "*4\r\n$7\r\nACQUIRE\r\n$4\r\nbusy\r\n$10\r\n"+id+"\r\n$5\r\n60000\r\n", []string{"-" + shutdown}
		case 3:
			input = "ACQUIRE busy " + id + " 60000\nACQUIRE other " + id + " 0\n"
			want = []string{"ERROR " + shutdown}
		}
		waits += len(want)
		if _, err := io.WriteString(k, input); err != nil {
			t.Fatal(err)
		}
		go func() { answers <- wantLines(k, want) }()
	}
	holder.waitWaiters(t, "busy", waits)
	p.signal(t, syscall.SIGTERM)
	for range clients {
		if err := <-answers; err != nil {
			t.Error(err)
		}
	}
	if err := p.waitExit(t); err != nil {
		t.Errorf("exit: %v; so it ends after --stop-timeout, too", err)
	}
}

// wantLines reads a connection to its end and wants these lines in any order.
func wantLines(k *rawPeer, want []string) error {
	k.SetDeadline(time.Now().Add(2 * eventually))
	var got []string
	for lines := bufio.NewScanner(k.r); lines.Scan(); {
		got = append(got, lines.Text())
	}
	missing := len(want) - len(got)
	for _, w := range want {
		found := false
		for _, g := range got {
			found = found || g == w
		}
		if !found {
			missing++
		}
	}
	if missing != 0 {
		return fmt.Errorf("a waiting client got %q, want %q", got, want)
	}
	return nil
}

// TestStopDoesNotWaitForDeafClient: such a client gets half of the stop's time, and the stop is
// clean, which it is not after all of that time.
func TestStopDoesNotWaitForDeafClient(t *testing.T) {
	const most = 6 * time.Second
	p := startServer(t, nil, "--stop-timeout", most.String(), "--max-unread", "64MiB")
	deaf := dialRaw(t, p.addr)
	go io.WriteString(deaf, strings.Repeat("HELP\n", 20_000))
	watcher := dial(t, p.addr)
	waitInfo(t, watcher, "clients", "buffered_bytes", 1<<20)
	begin := time.Now()
	p.signal(t, syscall.SIGTERM)
	if err := p.waitExit(t); err != nil {
		t.Errorf("exit: %v", err)
	}
	took := time.Since(begin)
	t.Logf("the stop took %v", took)
	if took < most/2 {
		t.Errorf("the stop took %v; a client did not read and --stop-timeout is %v", took, most)
	}
}
