package bench

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// target is the server of a run as seen from beside the load: a connection of its own, and its
// process if that is on this machine.
type target struct {
	*Client     // nil for a server that does not answer INFO
	pid     int // 0: not known

	countsObjects bool // INFO says how many objects were allocated
}

// openTarget connects and finds the process of the server.
func openTarget(load *Load) (*target, error) {
	t := &target{pid: max(load.PID, 0)}
	if p := load.Protocol; p != nil {
		if p.Prepare != nil {
			if err := p.Prepare(load.Server); err != nil {
				return nil, fmt.Errorf("%s: %w", p.Name, err)
			}
		}
		return t, nil
	}
	client, err := Dial(load.Server, load.Token, talkMax)
	if err != nil {
		return nil, err
	}
	t.Client = client
	info, err := t.Info("")
	if err != nil {
		t.close()
		return nil, err
	}
	_, t.countsObjects = info["allocated_objects"]
	if addr, ok := client.RemoteAddr().(*net.TCPAddr); load.PID == 0 && ok && addr.IP.IsLoopback() {
		// A process that can't be read belongs to another machine or namespace.
		pid, err := strconv.Atoi(info["process_id"])
		if _, ok := CPUOf(pid); err == nil && ok {
			t.pid = pid
		}
	}
	return t, nil
}

func (t *target) close() {
	if t.Client != nil {
		t.Close()
	}
}

// usage is what the server had used up at one moment; -1: not known.
type usage struct {
	resident int64 // bytes
	objects  int64 // allocated since the server started
}

// usage asks the server. It asks for no more than it needs, because the answer allocates too.
func (t *target) usage() (usage, error) {
	u := usage{-1, -1}
	if t.Client == nil {
		return u, nil
	}
	info, err := t.Info("memory")
	for name, field := range map[string]*int64{
		"used_memory_rss": &u.resident, "allocated_objects": &u.objects,
	} {
		if n, err := strconv.ParseInt(info[name], 10, 64); err == nil {
			*field = n
		}
	}
	return u, err
}

// CPUOf returns the CPU time of the threads of a process, in nanoseconds, as the scheduler counts
// it: user and kernel, without the ticks of /proc/PID/stat.
func CPUOf(pid int) (int64, bool) {
	if pid <= 0 {
		return 0, false
	}
	paths, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid))
	if err != nil || len(paths) == 0 {
		return 0, false
	}
	sum := int64(0)
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			continue // the thread has ended
		}
		first, _, _ := strings.Cut(string(text), " ")
		ns, err := strconv.ParseInt(first, 10, 64)
		if err != nil {
			return 0, false
		}
		sum += ns
	}
	return sum, true
}
