package settings

import (
	"math"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"

	"dlm/engine"
)

// memoryPart of the memory of the machine, or of the container, is the default of
// --max-memory, in percent. The rest is for the kernel's buffers of the connections, and for
// others.
const memoryPart = 75

// defaultMemoryMax returns the default of --max-memory; 0, no limit, where the system does not
// tell how much memory there is.
func defaultMemoryMax(root string) int64 {
	total := min(machineMemory(root), cgroupMemory(root))
	if total == math.MaxInt64 {
		return 0
	}
	return max(total/100*memoryPart, engine.MemoryMin)
}

// machineMemory returns the memory of the machine in bytes, math.MaxInt64 if it is not known.
func machineMemory(root string) int64 {
	text, _ := os.ReadFile(filepath.Join(root, "proc/meminfo"))
	for line := range strings.Lines(string(text)) {
		if fields := strings.Fields(line); len(fields) > 1 && fields[0] == "MemTotal:" {
			if kib, err := strconv.ParseInt(fields[1], 10, 64); err == nil {
				return kib << 10
			}
		}
	}
	return math.MaxInt64
}

// cgroupMemory returns the least limit of the process's control groups, math.MaxInt64 if there is
// none.
func cgroupMemory(root string) int64 {
	least := int64(math.MaxInt64)
	text, _ := os.ReadFile(filepath.Join(root, "proc/self/cgroup"))
	for line := range strings.Lines(string(text)) { // hierarchy:controllers:path
		parts := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(parts) < 3 {
			continue
		}
		dir, file := "sys/fs/cgroup", "memory.max"
		if parts[1] != "" {
			if !strings.Contains(parts[1], "memory") {
				continue
			}
			dir, file = "sys/fs/cgroup/memory", "memory.limit_in_bytes"
		}
		// In a container the path can be that outside, while the files are those of the
		// container, at the root.
		for at := path.Clean("/" + parts[2]); ; at = path.Dir(at) {
			text, _ := os.ReadFile(filepath.Join(root, dir, at, file))
			if n, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64); err == nil {
				least = min(least, n)
			}
			if at == "/" {
				break
			}
		}
	}
	return least
}
