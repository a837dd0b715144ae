package main

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"sync/atomic"
	"syscall"
	"testing"
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
	out, in, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	cmd.Stdout, cmd.SysProcAttr = in, ownGroup()
	err = cmd.Start()
	_ = in.Close()
	if err != nil {
		t.Fatal(err)
	}
	text := make(chan []byte, 1)
	go func() {
		b, _ := io.ReadAll(out)
		text <- b
	}()
	err = cmd.Wait()
	_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	return <-text, err
}
