package main

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net"
	"os/exec"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// portsFrom begins below the ports that the kernel uses for outgoing connections at any moment, and
// differs between processes.
var portsFrom, portsTaken = 20_000 + rand.IntN(10_000), atomic.Int64{}

// freeAddr returns an address of loopback that nobody listens on, a different one for each call.
func freeAddr(t *testing.T) string {
	t.Helper()
	var err error
	for range 1000 {
		addr := fmt.Sprintf("127.0.0.1:%d", 20_000+(portsFrom+int(portsTaken.Add(1)))%12_000)
		var l net.Listener
		if l, err = net.Listen("tcp", addr); err == nil {
			defer l.Close()
			return addr
		}
	}
	t.Fatal(err)
	return ""
}

// groupOutput runs a script and returns its standard output. Then it ends what the script started
// in the background, because a server that a failing script leaves holds the output open.
func groupOutput(t *testing.T, cmd *exec.Cmd) ([]byte, error) {
	t.Helper()
	var out bytes.Buffer
	cmd.Stdout, cmd.SysProcAttr, cmd.WaitDelay = &out, ownGroup(), time.Second
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	err := cmd.Wait()
	return out.Bytes(), err
}
