package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

func TestStopAnswersWhoeverWaits(t *testing.T) {
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		t.Run(sig.String(), func(t *testing.T) {
			p := startServer(t, nil)
			holder, waiter := dial(t, p.addr), dial(t, p.addr)
			holder.want(t, "ACQUIRE l a 0", "OK")
			waiter.send(t, "ACQUIRE l b 60000")
			holder.waitWaiters(t, "l", 1)

			p.signal(t, sig)
			if got := waiter.receive(t); !strings.HasPrefix(got, "ERROR SHUTDOWN ") {
				t.Errorf("the waiting ACQUIRE: got %q, want ERROR SHUTDOWN ...", got)
			}
			if err := p.waitExit(t); err != nil {
				t.Errorf("exit: %v; so it ends after --stop-timeout, too", err)
			}
		})
	}
}

func TestSecondStartOnUsedPort(t *testing.T) {
	p := startServer(t, nil)
	_, stderr, code := command(t, nil, "server", "--listen", p.addr)
	if code != exitFailure || !strings.Contains(stderr, "address already in use") || !strings.Contains(stderr, "--listen") {
		t.Fatalf("exit code %d, stderr:\n%s", code, stderr)
	}
	dial(t, p.addr).want(t, "PING", "OK")
}

func TestPrecedenceOfSources(t *testing.T) {
	file := writeFile(t, "dlm.toml", 0o644, "max-waiters-per-lock = 3\nlog-level = 'debug'\n")
	for _, c := range []struct {
		name    string
		env     []string
		args    []string
		waiters int // waiters on the lock
	}{
		{"the file alone", []string{"DLM_CONFIG=" + file}, nil, 3},
		{"the environment wins over the file", []string{"DLM_MAX_WAITERS_PER_LOCK=2"}, []string{"--config", file}, 2},
		{"the command line wins over both", []string{"DLM_MAX_WAITERS_PER_LOCK=2"},
			[]string{"--config", file, "--max-waiters-per-lock", "1"}, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := startServer(t, c.env, c.args...)
			watcher := dial(t, p.addr)
			watcher.want(t, "ACQUIRE l holder 0", "OK")
			for i := range c.waiters {
				dial(t, p.addr).send(t, "ACQUIRE l waiter"+string(rune('a'+i))+" 60000")
				watcher.waitWaiters(t, "l", i+1)
			}
			watcher.wantStart(t, "ACQUIRE l late 1000", "ERROR LIMIT ")
		})
	}
}

func TestVariablesOfKubernetesAreNoSettings(t *testing.T) {
	p := startServer(t, []string{"DLM_SERVICE_HOST=10.0.0.1", "DLM_PORT=tcp://10.0.0.1:7420", "DLM_PORT_7420_TCP_ADDR=10.0.0.1", "DLM_TOKEN=x"})
	dial(t, p.addr).want(t, "PING", "OK")
}

func TestVariableThatIsNoSettingIsMistake(t *testing.T) {
	_, stderr, code := command(t, []string{"DLM_MAX_CONN=5"}, "server", "--listen", "127.0.0.1:0", "--http", "off")
	if code != exitFailure || !strings.Contains(stderr, "DLM_MAX_CONN: no such setting (did you mean DLM_MAX_CONNS?)") {
		t.Errorf("exit code %d, stderr:\n%s", code, stderr)
	}
}

func TestAllProblemsAtOnce(t *testing.T) {
	dir := t.TempDir()
	config := filepath.Join(dir, "dlm.toml")
	must(os.WriteFile(config, []byte("# settings\nmax-lock = 5\npartial-timeout = 10\n"), 0o644))
	_, stderr, code := command(t, []string{"DLM_MAX_CONNS=many", "DLM_LEASE=1ms", "DLM_ADMIN_TOKEN=short"},
		"server", "--config", config, "--max-pending", "1MX", "--listen", "0.0.0.0:7420")
	if code != exitFailure {
		t.Errorf("exit code %d, want %d", code, exitFailure)
	}
	for _, want := range []string{
		config + ":2: max-lock: no such setting (did you mean max-locks?)",
		config + `:3: partial-timeout: "10" has no unit`,
		`DLM_MAX_CONNS: "many" is not a whole number`,
		"DLM_LEASE: 1ms is not within 100ms to 24h",
		"DLM_ADMIN_TOKEN has 5 bytes",
		`--max-pending: "1MX" is not a size`,
		`--listen: "0.0.0.0:7420" is not a loopback address`,
		"7 problems",
	} {
		if !strings.Contains(stderr, want) {
			t.Errorf("stderr lacks %q", want)
		}
	}
	if t.Failed() || strings.Contains(stderr, "short") {
		t.Errorf("stderr:\n%s", stderr)
	}
}

func TestMisuseOfCommandLine(t *testing.T) {
	for _, c := range []struct {
		name string
		args []string
		want string
		code int
	}{
		{"unknown flag", []string{"server", "--lisen", "x"}, "unknown flag: --lisen", exitUsage},
		{"unknown command", []string{"serve"}, `unknown command "serve"`, exitUsage},
		{"unknown subcommand", []string{"token", "now"}, `unknown command "now"`, exitUsage},
		{"argument that nobody takes", []string{"server", "now"}, `unknown command "now"`, exitUsage},
		{"flag left out", []string{"token", "new", "--name", "x"}, `required flag(s) "role"`, exitUsage},
		{"flag with a bad value", []string{"token", "new", "--name", "x", "--role", "root"}, "is not one of read, lock", exitFailure},
		{"address that can't be had", []string{"server", "--listen", "127.0.0.1:99999"}, "99999", exitFailure},
	} {
		t.Run(c.name, func(t *testing.T) {
			stdout, stderr, code := command(t, nil, c.args...)
			if code != c.code || !strings.Contains(stderr, c.want) || stdout != "" || strings.Contains(stderr, "Usage:") {
				t.Errorf("exit code %d, stdout:\n%s\nstderr:\n%s", code, stdout, stderr)
			}
		})
	}
}

func TestVersion(t *testing.T) {
	form := regexp.MustCompile(`^dlm \S+ \(commit \S+, go1\.\d+\S*.*\)\n$`)
	for _, arg := range []string{"version", "--version"} {
		stdout, _, code := command(t, nil, arg)
		if code != exitOK || !form.MatchString(stdout) {
			t.Errorf("dlm %s: exit code %d, %q", arg, code, stdout)
		}
	}
}

func TestCompletion(t *testing.T) {
	stdout, _, code := command(t, nil, "completion", "bash")
	if code != exitOK || !strings.Contains(stdout, "dlm") {
		t.Errorf("exit code %d, %q", code, stdout)
	}
}

// writeFile writes a file of the test and returns its path.
func writeFile(t *testing.T, name string, mode os.FileMode, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
	return path
}
