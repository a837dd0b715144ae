package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// server is one that runs.
type server struct {
	addresses
	cmd *exec.Cmd
	log logPipe
}

func (v *server) pid() int { return v.cmd.Process.Pid }

// start starts a server on its core and waits until it serves.
func (h *host) start(more ...string) (*server, error) {
	args := append([]string{h.s.dlm, "server", "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0",
		"--tls-listen", "127.0.0.1:0", "--tls-cert", h.path("cert"), "--tls-key", h.path("key"),
		"--token-file", h.path("tokens"), "--log-format", "json"}, more...)
	if os.Getenv(pinnedVar) != "" {
		args = append([]string{"taskset", "-c", strconv.Itoa(h.s.serverCore)}, args...)
	}
	v := &server{cmd: exec.Command(args[0], args[1:]...)}
	v.cmd.Env = slices.DeleteFunc(os.Environ(), func(pair string) bool { return strings.HasPrefix(pair, "DLM_") })
	read, write, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	v.log.read, v.cmd.Stderr = read, write
	err = v.cmd.Start()
	_ = write.Close()
	if err != nil {
		return nil, err
	}
	var record struct{ Msg, Address, TLS, HTTP string }
	for in := bufio.NewReader(read); record.Msg != "serving"; {
		line, err := in.ReadBytes('\n')
		if err != nil {
			return nil, fmt.Errorf("the server did not start: %s", record.Msg)
		}
		if json.Unmarshal(line, &record) != nil {
			record.Msg = string(line)
		}
	}
	v.addresses = addresses{record.Address, record.HTTP, record.TLS, h.token}
	v.log.listen()
	return v, nil
}

func (v *server) stop() {
	_ = v.cmd.Process.Signal(syscall.SIGTERM)
	kill := time.AfterFunc(answerMax, func() { _ = v.cmd.Process.Kill() })
	_ = v.cmd.Wait() // how it ends does not matter
	kill.Stop()
	_ = v.log.read.Close()
}

// logPipe is the standard error of a server, whose reader can stall.
type logPipe struct {
	read *os.File
	idle chan struct{} // closed when nobody reads
}

// pipeBytes is more than what a pipe holds.
const pipeBytes = 128 << 10

// listen reads what the server logs, until the reader stalls.
func (p *logPipe) listen() {
	_ = p.read.SetReadDeadline(time.Time{})
	idle := make(chan struct{})
	p.idle = idle
	go func() {
		_, _ = io.Copy(io.Discard, p.read)
		close(idle)
	}()
}

// stall stops reading, and fills the pipe, so that the next write of the server would block.
func (p *logPipe) stall() error {
	if err := p.read.SetReadDeadline(time.Unix(1, 0)); err != nil {
		return err
	}
	<-p.idle
	// Opened anew, so that the server's end stays one that blocks.
	fd, err := p.read.SyscallConn()
	if err != nil {
		return err
	}
	var write *os.File
	if openErr := fd.Control(func(fd uintptr) {
		write, err = os.OpenFile(fmt.Sprintf("/proc/self/fd/%d", fd), os.O_WRONLY|syscall.O_NONBLOCK, 0)
	}); openErr != nil || err != nil {
		return fmt.Errorf("fill the pipe of the log: %w", err)
	}
	defer write.Close()
	if err := write.SetWriteDeadline(time.Now().Add(10 * time.Millisecond)); err != nil {
		return err
	}
	if _, err := write.Write(make([]byte, pipeBytes)); err == nil {
		return fmt.Errorf("the pipe of the log took %d bytes", pipeBytes)
	}
	return nil
}
