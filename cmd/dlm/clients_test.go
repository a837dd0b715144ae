package main

import (
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"dlm/internal/testcert"
)

// runClient runs a client program in a directory and returns its output.
func runClient(t *testing.T, dir, program string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), eventually)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir = dir
	cmd.Env = cleanEnv("GOWORK=off")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", program, strings.Join(args, " "), err, out)
	}
	return string(out)
}

func hostPort(t *testing.T, addr string) (host, port string) {
	t.Helper()
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	return host, port
}

func TestRedisCLI(t *testing.T) {
	cli := needProgram(t, "redis-cli", "redis-tools")
	p := startServer(t, nil)
	host, port := hostPort(t, p.addr)
	for _, c := range []struct {
		name string
		args []string
		want string
	}{
		{"name with spaces", []string{"ACQUIRE", "a lock with spaces", "svc", "0"}, "token\n"},
		{"held by another", []string{"ACQUIRE", "a lock with spaces", "other", "0"}, "TIMEOUT "},
		{"RESP3 map", []string{"-3", "ACQUIRE", "a lock with spaces", "svc", "0"}, "token"},
		{"status", []string{"STATUS", "a lock with spaces"}, "svc\n"},
		{"status in RESP3", []string{"-3", "STATUS", "a lock with spaces"}, "svc"},
		{"release", []string{"RELEASE", "a lock with spaces", "svc"}, "count\n1\n"},
		{"hints", []string{"COMMAND", "DOCS"}, "acquire"},
		{"hints in RESP3", []string{"-3", "COMMAND", "DOCS", "acquire"}, "acquire"},
		{"number of commands", []string{"COMMAND", "COUNT"}, ""},
		{"hello", []string{"HELLO"}, "proto\n2\n"},
		{"hello 3", []string{"HELLO", "3"}, "proto 3\n"},
		{"info", []string{"INFO"}, "# "},
		{"info of a section", []string{"INFO", "server"}, "# Server"},
		{"ping", []string{"PING"}, "PONG\n"},
		{"unknown command", []string{"FLUSHALL"}, "ERR unknown command"},
	} {
		t.Run(c.name, func(t *testing.T) {
			out := runClient(t, ".", cli, append([]string{"-h", host, "-p", port}, c.args...)...)
			unexpected := strings.HasPrefix(out, "ERR ") && !strings.HasPrefix(c.want, "ERR ")
			if strings.TrimSpace(out) == "" || !strings.Contains(strings.ToLower(out), strings.ToLower(c.want)) || unexpected {
				t.Errorf("got %q, want something with %q", out, c.want)
			}
		})
	}
}

func TestRedisBenchmark(t *testing.T) {
	program := needProgram(t, "redis-benchmark", "redis-tools")
	p := startServer(t, nil)
	host, port := hostPort(t, p.addr)
	out := runClient(t, ".", program, "-h", host, "-p", port, "-P", "16", "-c", "50", "-n", "100000", "-r", "10000",
		"ACQUIRE", "lock:__rand_int__", "svc", "0")
	if strings.Contains(strings.ToLower(out), "error") || !strings.Contains(out, "100000 requests completed") {
		t.Errorf("output:\n%s", out)
	}
}

// Each of the programs below connects with its library's default options, runs one cycle of a lock,
// and prints this line.
const cycleDone = "lock cycle done"

func TestGoRedis(t *testing.T) { throughBothPorts(t, goClient(t, "goredis")) }

// TestRueidis is for a library that connects only with HELLO 3 and CLIENT TRACKING.
func TestRueidis(t *testing.T) { throughBothPorts(t, goClient(t, "rueidis")) }

// cycleOf runs a program against the server at an address, and returns its output. files are for
// TLS: an authority, a certificate and its key.
type cycleOf func(addr string, files ...string) string

// throughBothPorts runs a program without TLS, and over it with a certificate as its credential.
func throughBothPorts(t *testing.T, run cycleOf) {
	t.Helper()
	if out := run(startServer(t, nil).addr); !strings.Contains(out, cycleDone) {
		t.Errorf("output:\n%s", out)
	}
	s := startTLS(t, `
[[cert]]
name = "client"
san = "URI:spiffe://test/client"
role = "lock"
`, "--tls-client", "required")
	cert, key := s.ca.Issue(testcert.URI("spiffe://test/client"))
	testcert.Write(t, s.dir, map[string][]byte{"client.pem": cert, "client.key": key})
	if out := run(s.secure, s.path("ca.pem"), s.path("client.pem"), s.path("client.key")); !strings.Contains(out, cycleDone) {
		t.Errorf("output over TLS:\n%s", out)
	}
}

func goClient(t *testing.T, name string) cycleOf {
	t.Helper()
	dir := filepath.Join("testdata", "clients", name)
	download := exec.Command("go", "mod", "download")
	download.Dir, download.Env = dir, append(os.Environ(), "GOWORK=off")
	if out, err := download.CombinedOutput(); err != nil {
		missing(t, "the modules of %s can't be had: %v\n%s", name, err, out)
	}
	return func(addr string, files ...string) string {
		return runClient(t, dir, "go", append([]string{"run", ".", addr}, files...)...)
	}
}

// scriptClient runs a script that takes host and port.
func scriptClient(t *testing.T, dir, program, script string) cycleOf {
	return func(addr string, files ...string) string {
		host, port := hostPort(t, addr)
		return runClient(t, dir, program, append([]string{script, host, port}, files...)...)
	}
}

func TestIORedis(t *testing.T) {
	node := needProgram(t, "node", "nodejs")
	dir := filepath.Join("testdata", "clients", "ioredis")
	if _, err := os.Stat(filepath.Join(dir, "node_modules", "ioredis")); err != nil {
		missing(t, "ioredis is not installed: run npm install in cmd/dlm/%s", dir)
	}
	throughBothPorts(t, scriptClient(t, dir, node, "cycle.js"))
}

// debianPython is the interpreter of the package python3-redis. PATH may have another one.
const debianPython = "/usr/bin/python3"

func TestPythonRedis(t *testing.T) {
	if out, err := exec.Command(debianPython, "-c", "import redis").CombinedOutput(); err != nil {
		missing(t, "%s has no redis (package python3-redis): %v\n%s", debianPython, err, out)
	}
	throughBothPorts(t, scriptClient(t, filepath.Join("testdata", "clients", "python"), debianPython, "cycle.py"))
}
