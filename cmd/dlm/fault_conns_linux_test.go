package main

import (
	"fmt"
	"io"
	"maps"
	"net"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// askToTheEnd opens a connection, sends the input, and returns everything up to the end of the
// stream. A reset is an error.
func askToTheEnd(t *testing.T, addr, input string) string {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(eventually)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(c, input); err != nil {
		t.Fatal(err)
	}
	answer, err := io.ReadAll(c)
	if err != nil {
		t.Errorf("%.20q: answered %.80q, then %v", input, answer, err)
	}
	return string(answer)
}

const arrayAcquire = "*4\r\n$7\r\nACQUIRE\r\n$1\r\nx\r\n$1\r\na\r\n$1\r\n0\r\n"

// expectTurnedAway checks that clients of each form are told of the limit in their form.
func expectTurnedAway(t *testing.T, addr, words string) {
	t.Helper()
	for _, input := range []string{"ACQUIRE x a 0\n", "", strings.Repeat("ACQUIRE x a 0\n", 1000)} {
		if got := askToTheEnd(t, addr, input); !strings.HasPrefix(got, "ERROR LIMIT conns ") || !strings.Contains(got, words) {
			t.Errorf("%.20q is answered %.80q", input, got)
		}
	}
	if got := askToTheEnd(t, addr, arrayAcquire); !strings.HasPrefix(got, "-LIMIT conns ") || !strings.HasSuffix(got, "\r\n") {
		t.Errorf("an array is answered %.80q", got)
	}
}

// TestAtMaxConnsHoldersComeBack: all other clients are told in their form that the server is full.
func TestAtMaxConnsHoldersComeBack(t *testing.T) {
	p := startServer(t, nil, "--max-conns", "2")
	first, second := dial(t, p.addr), dial(t, p.addr)
	first.want(t, "ACQUIRE kept holder 0", "OK")
	second.want(t, "PING", "OK")
	expectTurnedAway(t, p.addr, "max-conns")
	for range 200 { // more than there are places
		c, err := net.Dial("tcp", p.addr)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
	}
	back := dial(t, p.addr)
	back.want(t, "HEARTBEAT kept holder", "OK")
	back.want(t, "RELEASE kept holder", "OK")
}

func TestConnectionsOfOneAddressAreBounded(t *testing.T) {
	p := startServer(t, nil, "--max-conns-per-address", "2", "--max-new-conns-per-address", "1000")
	first, second := dial(t, p.addr), dial(t, p.addr)
	first.want(t, "PING", "OK")
	second.want(t, "PING", "OK")
	expectTurnedAway(t, p.addr, "max-conns-per-address")
	if n := infoNumbers(t, first, "clients")["rejected_address_conns"]; n != 4 {
		t.Errorf("%d are counted", n)
	}
}

// descriptors returns the numbers of the descriptors that a process has open.
func descriptors(t *testing.T, pid int) map[string]bool {
	open, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	if err != nil {
		t.Fatal(err)
	}
	numbers := map[string]bool{}
	for _, file := range open {
		numbers[file.Name()] = true
	}
	return numbers
}

// TestWithoutDescriptorsClientsAreTold: the file limit falls to the number of open files while the
// server runs.
func TestWithoutDescriptorsClientsAreTold(t *testing.T) {
	p := startServer(t, nil)
	first := dial(t, p.addr)
	first.want(t, "PING", "OK")
	used := descriptors(t, p.cmd.Process.Pid)
	for range 20 { // the server opens some files for a moment
		first.want(t, "PING", "OK")
		again := descriptors(t, p.cmd.Process.Pid)
		maps.DeleteFunc(used, func(n string, _ bool) bool { return !again[n] })
	}
	const left = 3 // descriptors, fewer than the clients that come next
	lowest := 0
	for used[strconv.Itoa(lowest)] {
		lowest++
	}
	limit := unix.Rlimit{Cur: uint64(lowest + left), Max: uint64(lowest + left)}
	if err := unix.Prlimit(p.cmd.Process.Pid, unix.RLIMIT_NOFILE, &limit, nil); err != nil {
		t.Skipf("the file limit of another process can not be lowered here: %v", err)
	}
	for range left {
		c, err := net.Dial("tcp", p.addr)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		fmt.Fprint(c, "PING\n")
		if _, err := c.Read(make([]byte, 10)); err != nil {
			t.Fatal(err)
		}
	}
	expectTurnedAway(t, p.addr, "file descriptor")
	first.want(t, "PING", "OK")
	if n := infoNumbers(t, first, "clients")["rejected_file_limit"]; n < 4 {
		t.Errorf("%d are counted", n)
	}
}
