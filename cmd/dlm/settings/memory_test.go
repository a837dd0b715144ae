package settings

import (
	"errors"
	"math"
	"os"
	"path/filepath"
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
				if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, []byte(text), 0o644)); err != nil {
					t.Fatal(err)
				}
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
