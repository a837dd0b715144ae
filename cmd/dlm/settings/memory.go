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

// memoryPart is the default of --max-memory in percent of the memory of the machine or of the
// container. The rest is for the kernel's buffers of the connections, and for other processes.
const memoryPart = 75

// defaultMemoryMax returns the default of --max-memory in bytes. It is 0, no limit, where the
// system does not report its memory. Tests give a root other than /.
func defaultMemoryMax(root string) int64 {
	total := min(machineMemory(root), cgroupMemory(root))
	if total == math.MaxInt64 {
		return 0
	}
	return max(total/100*memoryPart, engine.MemoryMin)
}

// machineMemory returns the memory of the machine in bytes, or math.MaxInt64 if it is not known.
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

// cgroupMemory returns the smallest limit of the process's control groups in bytes, or
// math.MaxInt64 if there is none.
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
		// In a container the path can be the one outside of it, while the files of the
		// container are at the root.
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
