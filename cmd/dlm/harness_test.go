package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"dlm/cmd/dlm/settings"
	"dlm/internal/testflag"
)

// eventually bounds every wait for something that must happen.
const eventually = testflag.Patience

// binary is the built command, made once by TestMain.
var binary string

func TestMain(m *testing.M) {
	os.Exit(runTests(m))
}

func runTests(m *testing.M) int {
	dir, err := os.MkdirTemp("", "dlm-test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	run := filepath.Join(dir, "run") // admin tokens of killed servers stay there
	if err := errors.Join(os.Mkdir(run, 0o700), os.Setenv("XDG_RUNTIME_DIR", run)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	binary = filepath.Join(dir, "dlm")
	if err := buildBinary(binary); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

// buildBinary builds the command like `make build`, with these additional flags of go build.
func buildBinary(path string, flags ...string) error {
	args := append(append([]string{"build", "-trimpath", "-o", path}, sameBuild()...), flags...)
	cmd := exec.Command("go", append(args, ".")...)
	if cmd.Env = os.Environ(); !hasRace() {
		cmd.Env = append(cmd.Env, "CGO_ENABLED=0")
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go build: %w\n%s", err, out)
	}
	return nil
}

// sameBuild returns the flags that build the command as these tests were
// built: with the race detector or a tag, if they were.
func sameBuild() (flags []string) {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return nil
	}
	for _, s := range info.Settings {
		if s.Key == "-race" || s.Key == "-tags" {
			flags = append(flags, s.Key+"="+s.Value)
		}
	}
	return flags
}

// hasRace reports whether these tests, and so the binary, were built with the race detector, which
// needs libc.
func hasRace() bool { return slices.Contains(sameBuild(), "-race=true") }

// cleanEnv returns the environment without the variables of dlm, plus some. Without its own
// variable a binary with the race detector sleeps for a second before it exits.
func cleanEnv(extra ...string) []string {
	extra = append(extra, "GORACE=atexit_sleep_ms=0")
	env := slices.DeleteFunc(os.Environ(), func(pair string) bool { return strings.HasPrefix(pair, settings.EnvPrefix) })
	return append(env, extra...)
}

// command runs the binary to its end and returns its output and its exit code.
func command(t *testing.T, env []string, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), eventually)
	defer cancel()
	cmd := exec.CommandContext(ctx, binary, args...)
	cmd.Env = cleanEnv(env...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); cmd.ProcessState == nil || ctx.Err() != nil {
		t.Fatalf("dlm %v: %v %v", args, err, ctx.Err())
	}
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

// process is a running server.
type process struct {
	addr    string
	cmd     *exec.Cmd
	records chan map[string]any // its log; closed at its end
	seen    []map[string]any    // the records that waitLog has read
	exited  chan error
}

// startServer starts the binary on a free port and waits until it serves.
func startServer(t testing.TB, env []string, args ...string) *process {
	t.Helper()
	return startBuilt(t, binary, env, args...)
}

// startBuilt is startServer with another binary.
func startBuilt(t testing.TB, path string, env []string, args ...string) *process {
	t.Helper()
	args = append([]string{"server", "--listen", "127.0.0.1:0", "--http", "off", "--log-format", "json"}, args...)
	cmd := exec.Command(path, args...)
	cmd.Env = cleanEnv(env...)
	return startProcess(t, cmd)
}

// startProcess starts a command that becomes a server, in a process group of its own, which ends
// with the test.
func startProcess(t testing.TB, cmd *exec.Cmd) *process {
	t.Helper()
	p := &process{cmd: cmd, records: make(chan map[string]any, 1000), exited: make(chan error, 1)}
	cmd.SysProcAttr = ownGroup()
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go p.follow(t, stderr)
	t.Cleanup(func() { p.end(t) })
	p.addr = p.waitLog(t, "serving")["address"].(string)
	return p
}

// follow reads the log to its end and then waits for the process.
func (p *process) follow(t testing.TB, stderr io.Reader) {
	lines := bufio.NewScanner(stderr)
	for lines.Scan() {
		record := map[string]any{}
		if err := json.Unmarshal(lines.Bytes(), &record); err != nil {
			record = map[string]any{"msg": lines.Text()}
		}
		p.records <- record
	}
	close(p.records)
	p.exited <- p.cmd.Wait()
}

// waitLog returns the next log record with that message.
func (p *process) waitLog(t testing.TB, message string) map[string]any {
	t.Helper()
	timeout := time.After(eventually)
	for {
		select {
		case record, ok := <-p.records:
			if !ok {
				t.Fatalf("the server ended without logging %q; it logged:\n%s", message, p.log())
			}
			p.seen = append(p.seen, record)
			if record["msg"] == message {
				return record
			}
		case <-timeout:
			t.Fatalf("the server did not log %q; it logged:\n%s", message, p.log())
		}
	}
}

// log returns the log as far as waitLog has read it.
func (p *process) log() string {
	var b strings.Builder
	for _, record := range p.seen {
		fmt.Fprintln(&b, record)
	}
	return b.String()
}

func (p *process) signal(t *testing.T, sig syscall.Signal) {
	t.Helper()
	if err := p.cmd.Process.Signal(sig); err != nil {
		t.Fatal(err)
	}
}

// waitExit returns how the process ended.
func (p *process) waitExit(t *testing.T) error {
	t.Helper()
	ended, err := p.exitsWithin(eventually)
	if !ended {
		t.Fatal("the server did not exit")
	}
	return err
}

// exitsWithin reports whether the process ends within d, and how.
func (p *process) exitsWithin(d time.Duration) (ended bool, err error) {
	select {
	case err := <-p.exited:
		p.exited <- err // for end
		return true, err
	case <-time.After(d):
		return false, nil
	}
}

// end stops the process group, first with SIGTERM.
func (p *process) end(t testing.TB) {
	group := -p.cmd.Process.Pid
	syscall.Kill(group, syscall.SIGTERM)
	select {
	case err := <-p.exited:
		if err != nil && p.cmd.Path == binary {
			t.Errorf("the server did not stop cleanly: %v; its log:\n%s", err, p.wholeLog())
		}
	case <-time.After(eventually):
		syscall.Kill(group, syscall.SIGKILL)
		t.Error("the server had to be killed")
	}
}

// wholeLog returns the whole log of a server that has ended.
func (p *process) wholeLog() string {
	for record := range p.records {
		p.seen = append(p.seen, record)
	}
	return p.log()
}

// client speaks the text form, over TCP or through a program.
type client struct {
	w     io.Writer
	lines chan string // closed at the end of the connection
}

func newClient(r io.Reader, w io.Writer) *client {
	c := &client{w: w, lines: make(chan string, 100)}
	go func() {
		defer close(c.lines)
		for s := bufio.NewScanner(r); s.Scan(); {
			c.lines <- s.Text()
		}
	}()
	return c
}

func dial(t *testing.T, addr string) *client {
	t.Helper()
	conn, err := net.DialTimeout("tcp", addr, eventually)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return newClient(conn, conn)
}

func (c *client) send(t *testing.T, line string) {
	t.Helper()
	if _, err := io.WriteString(c.w, line+"\n"); err != nil {
		t.Fatal(err)
	}
}

// receive returns the next line from the server.
func (c *client) receive(t *testing.T) string {
	t.Helper()
	select {
	case line, ok := <-c.lines:
		if !ok {
			t.Fatal("the server closed the connection")
		}
		return line
	case <-time.After(eventually):
		t.Fatal("no reply")
		return ""
	}
}

func (c *client) ask(t *testing.T, line string) string {
	t.Helper()
	c.send(t, line)
	return c.receive(t)
}

// want asks and compares the whole reply.
func (c *client) want(t *testing.T, line, reply string) {
	t.Helper()
	if got := c.ask(t, line); got != reply {
		t.Fatalf("%s: got %q, want %q", line, got, reply)
	}
}

// wantStart asks and compares the beginning of the reply.
func (c *client) wantStart(t *testing.T, line, reply string) {
	t.Helper()
	if got := c.ask(t, line); !strings.HasPrefix(got, reply) {
		t.Fatalf("%s: got %q, want %q...", line, got, reply)
	}
}

// waitWaiters asks for the state of a lock until n requests wait for it.
func (c *client) waitWaiters(t *testing.T, lock string, n int) {
	t.Helper()
	want := fmt.Sprintf("waiters=%d", n)
	for end := time.Now().Add(eventually); time.Now().Before(end); {
		if slices.Contains(strings.Fields(c.ask(t, "STATUS "+lock)), want) {
			return
		}
	}
	t.Fatalf("never saw %s at lock %s", want, lock)
}

// needProgram returns the path of a peer that a test runs against. Without the program the test is
// skipped. If DLM_CI is set, it fails.
func needProgram(t *testing.T, name, debianPackage string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		missing(t, "%s is not installed (package %s)", name, debianPackage)
	}
	return path
}

func missing(t *testing.T, format string, args ...any) {
	t.Helper()
	if os.Getenv("DLM_CI") == "1" {
		t.Fatalf(format, args...)
	}
	t.Skipf(format, args...)
}
