package main

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"dlm/internal/testcert"
)

// BenchmarkServerCPU measures the processor time of the server for a command, over plain
// connections and over TLS. The pairs of ACQUIRE and RELEASE are sent to one loop over 8
// connections, depth commands in a write. The clients' time does not count.
func BenchmarkServerCPU(b *testing.B) {
	dir, ca := b.TempDir(), testcert.NewCA(b)
	cert, key := ca.Issue()
	testcert.Write(b, dir, map[string][]byte{"cert": cert, "key": key})
	s := startServer(b, nil, "--loops", "1", "--tls-listen", "127.0.0.1:0", "--tls-cert", dir+"/cert", "--tls-key", dir+"/key")
	secure := s.seen[len(s.seen)-1]["tls"].(string)
	for _, depth := range []int{1, 64} {
		for _, way := range []struct {
			name string
			dial func() (net.Conn, error)
		}{
			{"plain", func() (net.Conn, error) { return net.Dial("tcp", s.addr) }},
			{"tls", func() (net.Conn, error) {
				return tls.Dial("tcp", secure, &tls.Config{RootCAs: ca.Pool(), ServerName: "localhost"})
			}},
		} {
			b.Run(fmt.Sprintf("depth=%d/%s", depth, way.name), func(b *testing.B) {
				spent := runPairs(b, s, depth, way.dial)
				b.ReportMetric(float64(spent.Nanoseconds())/float64(b.N), "server-ns/op")
			})
		}
	}
}

// runPairs sends b.N commands and returns the server's processor time.
func runPairs(b *testing.B, s *process, depth int, dial func() (net.Conn, error)) time.Duration {
	const conns = 8
	var all []net.Conn
	for range conns {
		c, err := dial()
		if err != nil {
			b.Fatal(err)
		}
		defer c.Close()
		exchangeBatch(b, c, []byte("PING\n"), 1)
		all = append(all, c)
	}
	before := cpuTime(b, s.cmd.Process.Pid)
	b.ResetTimer()
	done := make(chan struct{})
	for i, c := range all {
		acquire, release := fmt.Sprintf("ACQUIRE bench/%d worker 0\n", i), fmt.Sprintf("RELEASE bench/%d worker\n", i)
		batches := [][]byte{[]byte(acquire), []byte(release)}
		if depth > 1 {
			batches = [][]byte{[]byte(strings.Repeat(acquire+release, depth/2))}
		}
		go func() {
			defer func() { done <- struct{}{} }()
			for n := 0; n < b.N/conns; n += depth * len(batches) {
				for _, batch := range batches {
					exchangeBatch(b, c, batch, depth)
				}
			}
		}()
	}
	for range all {
		<-done
	}
	b.StopTimer()
	return cpuTime(b, s.cmd.Process.Pid) - before
}

// exchangeBatch sends commands and reads the reply OK to each.
func exchangeBatch(b *testing.B, c net.Conn, batch []byte, n int) {
	replies := make([]byte, n*len("OK\n"))
	if _, err := c.Write(batch); err != nil {
		b.Error(err)
	}
	if _, err := io.ReadFull(c, replies); err != nil || bytes.Count(replies, []byte("OK\n")) != n {
		b.Errorf("%q, %v", replies, err)
	}
}

// cpuTime returns the processor time of a process, to 10 ms.
func cpuTime(b *testing.B, pid int) time.Duration {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		b.Skip(err)
	}
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+2:]))
	ticks := 0
	for _, field := range fields[11:13] { // utime and stime
		n, err := strconv.Atoi(field)
		if err != nil {
			b.Fatal(err)
		}
		ticks += n
	}
	return time.Duration(ticks) * 10 * time.Millisecond
}
