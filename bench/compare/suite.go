package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"dlm/bench"
)

// startMax bounds the start of a server, stopMax its end before it is killed.
const (
	startMax = 10 * time.Second
	stopMax  = 10 * time.Second
)

// server is one that takes part. Two may share a process.
type server struct {
	name   string
	form   string
	floor  bool
	addr   string
	pid    int
	driver *driver // of a peer; nil: a form of ours
	use    *form   // what is measured instead of the workload of the suite; nil: that
	// cells[depth] has a measurement for each round.
	cells map[int]*bench.Cell
}

// suite is all that take part, and their processes.
type suite struct {
	s       *settings
	dir     string // for binaries
	pinned  bool
	given   *form // the workload of the command line
	servers []*server
	missing []string // who could not take part, with the reason
	running []*exec.Cmd
}

// enterAll starts the floor, our server and those of others that are here.
// Where owners queue, there is no floor: it answers without knowing who holds.
func (u *suite) enterAll(ctx context.Context) error {
	forms := []string{bench.Text}
	if u.s.resp {
		forms = append(forms, bench.RESP)
	}
	dlm, err := u.binary(ctx, u.s.dlm, "dlm", "./cmd/dlm", "")
	if err != nil {
		return err
	}
	for _, form := range forms {
		suffix := map[string]string{bench.RESP: " RESP"}[form]
		if u.s.workload != hot {
			if err := u.enterFloor(ctx, "floor"+suffix, form); err != nil {
				return err
			}
		}
		if form == bench.Text {
			err = u.enterDLM(ctx, "dlm", dlm, form)
		} else {
			ours := *u.named("dlm") // the same process
			ours.name, ours.form, ours.cells = "dlm"+suffix, form, map[int]*bench.Cell{}
			u.servers = append(u.servers, &ours)
		}
		if err != nil {
			return err
		}
	}
	return u.enterPeers(ctx)
}

// named is the server of that name, which has to be there.
func (u *suite) named(name string) *server {
	i := slices.IndexFunc(u.servers, func(e *server) bool { return e.name == name })
	return u.servers[i]
}

func (u *suite) enterFloor(ctx context.Context, name, form string) error {
	path, err := u.binary(ctx, u.s.floor, "floor", "./bench/floor", "")
	if err != nil {
		return err
	}
	cmd := u.command(path, "--listen", "127.0.0.1:0", "--form", form, "--until-eof")
	stdin, err := cmd.StdinPipe() // stays open until this process ends
	if err != nil {
		return err
	}
	_ = stdin
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := u.start(cmd); err != nil {
		return err
	}
	addr, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		return fmt.Errorf("%s did not start: %w", name, err)
	}
	u.enter(name, form, true, strings.TrimSpace(addr), cmd)
	return nil
}

func (u *suite) enterDLM(ctx context.Context, name, path, form string) error {
	cmd := u.command(path, "server", "--listen", "127.0.0.1:0", "--log-format", "json")
	cmd.Env = append(cmd.Env, "DLM_HTTP=off") // an old base does not know the flag
	stderr, err := cmd.StderrPipe()
	if err != nil {
		return err
	}
	if err := u.start(cmd); err != nil {
		return err
	}
	lines := bufio.NewScanner(stderr)
	for lines.Scan() {
		var record struct{ Msg, Address string }
		if json.Unmarshal(lines.Bytes(), &record) == nil && record.Msg == "serving" {
			go func() { _, _ = io.Copy(io.Discard, stderr) }()
			u.enter(name, form, false, record.Address, cmd)
			return nil
		}
	}
	return fmt.Errorf("%s did not start", name)
}

func (u *suite) enter(name, form string, floor bool, addr string, cmd *exec.Cmd) *server {
	e := &server{name: name, form: form, floor: floor, addr: addr, pid: cmd.Process.Pid, cells: map[int]*bench.Cell{}}
	u.servers = append(u.servers, e)
	return e
}

// serial reports whether a connection is answered one command at a time, so that only depth 1 is
// measured.
func (e *server) serial() bool { return e.driver != nil && e.driver.protocol == nil }

// command is a program on the core of the servers.
func (u *suite) command(path string, args ...string) *exec.Cmd {
	cmd := exec.Command(path, args...)
	if u.pinned {
		cmd = exec.Command("taskset", append([]string{"-c", strconv.Itoa(u.s.serverCore), path}, args...)...)
	}
	cmd.Env = slices.DeleteFunc(os.Environ(), func(pair string) bool { return strings.HasPrefix(pair, "DLM_") })
	dieWithParent(cmd)
	return cmd
}

func (u *suite) start(cmd *exec.Cmd) error {
	if err := cmd.Start(); err != nil {
		return err
	}
	u.running = append(u.running, cmd)
	return nil
}

// stop ends every server, gently first.
func (u *suite) stop() {
	for _, cmd := range u.running {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Process.Signal(syscall.SIGCONT) // it may be stopped, and then cannot end
		kill := time.AfterFunc(stopMax, func() { _ = cmd.Process.Kill() })
		_ = cmd.Wait() // how it ends does not matter
		kill.Stop()
	}
}

// binary returns a given binary, or builds a package of a tree.
func (u *suite) binary(ctx context.Context, given, name, pkg, tree string) (string, error) {
	if given != "" {
		return given, nil
	}
	path := filepath.Join(u.dir, name)
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", path, pkg)
	build.Dir, build.Env = tree, append(os.Environ(), "CGO_ENABLED=0") // as make build does
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build %s: %w\n%s", pkg, err, out)
	}
	return path, nil
}
