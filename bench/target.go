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

// counted returns a number from the section memory of INFO, -1 if it is not known.
func (t *target) counted(name string) (int64, error) {
	if t.Client == nil {
		return -1, nil
	}
	info, err := t.Info("memory")
	if n, parseErr := strconv.ParseInt(info[name], 10, 64); parseErr == nil {
		return n, err
	}
	return -1, err
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
