package main

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestDefaultMemoryMax has the files of machines and containers of all kinds.
func TestDefaultMemoryMax(t *testing.T) {
	const gib, unlimited = 1 << 30, "9223372036854771712"
	machine := map[string]string{"proc/meminfo": "MemTotal:        8388608 kB\nMemFree:  1 kB\n", "proc/self/cgroup": "0::/\n"}
	for _, c := range []struct {
		name  string
		files map[string]string
		of    int64 // 75 % of it; 0: no limit
	}{
		{"a machine", nil, 8 * gib},
		{"a container", map[string]string{"sys/fs/cgroup/memory.max": "1073741824\n"}, gib},
		{"a container without a limit", map[string]string{"sys/fs/cgroup/memory.max": "max\n"}, 8 * gib},
		{"a container with more than the machine", map[string]string{"sys/fs/cgroup/memory.max": "1099511627776\n"}, 8 * gib},
		{"a unit", map[string]string{"proc/self/cgroup": "0::/system.slice/dlm.service\n",
			"sys/fs/cgroup/system.slice/dlm.service/memory.max": "max\n", "sys/fs/cgroup/system.slice/memory.max": "2147483648\n"}, 2 * gib},
		{"groups of version 1", map[string]string{"proc/self/cgroup": "5:cpu,cpuacct:/x\n4:memory:/docker/abc\n0::/\n",
			"sys/fs/cgroup/memory/memory.limit_in_bytes": "536870912\n", "sys/fs/cgroup/memory/docker/abc/memory.limit_in_bytes": unlimited}, gib / 2},
		{"nothing is known", map[string]string{"proc/meminfo": "", "proc/self/cgroup": ""}, 0},
	} {
		root := t.TempDir()
		for _, files := range []map[string]string{machine, c.files} {
			for name, text := range files {
				file := filepath.Join(root, name)
				must(os.MkdirAll(filepath.Dir(file), 0o755))
				must(os.WriteFile(file, []byte(text), 0o644))
			}
		}
		if got, want := defaultMemoryMax(root), c.of/100*75; got != want {
			t.Errorf("%s: %d, want %d", c.name, got, want)
		}
	}
	if got := machineMemory(t.TempDir()); got != math.MaxInt64 {
		t.Errorf("a machine without files has %d bytes", got)
	}
}

// TestMaxMemoryIsResidentMemory takes locks until no memory is left, and compares what is
// resident then with the setting. When the locks are gone there is room for others.
func TestMaxMemoryIsResidentMemory(t *testing.T) {
	if len(sameBuild()) > 0 {
		t.Skip("the race detector and the invariants take memory of their own")
	}
	const most, perRead = 64 << 20, 500
	p := startServer(t, nil, "--max-memory", "64MiB")
	c := dialLine(t, p.addr)
	command := func(verb, tail string, from int) (ok, refused int) {
		var text strings.Builder
		for i := range perRead {
			fmt.Fprintf(&text, "%s lock:%09d holder@host-%d%s\n", verb, from+i, i, tail)
		}
		c.send(strings.TrimSuffix(text.String(), "\n"))
		for range perRead {
			switch got := c.read(); {
			case got == "OK":
				ok++
			case strings.HasPrefix(got, "ERROR LIMIT memory "):
				refused++
			default:
				t.Fatalf("%s: %q", verb, got)
			}
		}
		return ok, refused
	}
	held, asked := 0, 0
	for refused := 0; refused < perRead; asked += perRead { // shards fill up one after the other
		var ok int
		ok, refused = command("ACQUIRE", " 0", asked)
		held += ok
		if asked > 2_000_000 {
			t.Fatal("the limit is never reached")
		}
	}
	if rss := c.info("used_memory_rss"); rss < most*9/10 || rss > most*11/10 {
		t.Errorf("%d bytes are resident with %d locks, and %d are the limit", rss, held, most)
	}
	_, refused := command("RELEASE", "", 0)
	if ok, more := command("ACQUIRE", " 0", 0); refused != 0 || ok < perRead*9/10 {
		t.Errorf("%d locks of %d that were released are granted, %d refused", ok, perRead, more)
	}
}
