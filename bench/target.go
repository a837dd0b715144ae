package bench

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// talkMax bounds every exchange outside of the measured time.
const talkMax = 10 * time.Second

// target is the server of a run as seen from beside the load: a connection of
// its own, and its process where that is on this machine.
type target struct {
	*Client // nil for a server that does not answer INFO
	c       *Config
	pid     int // 0: not known

	countsObjects bool // INFO says how many objects were allocated
}

// openTarget connects and finds the process of the server.
func openTarget(c *Config) (*target, error) {
	t := &target{c: c, pid: max(c.PID, 0)}
	if c.Protocol.Prepare != nil {
		if err := c.Protocol.Prepare(c.Server); err != nil {
			return nil, fmt.Errorf("%s: %w", c.Protocol.Name, err)
		}
	}
	if c.Floor || !c.Protocol.ours {
		return t, nil // they do not answer INFO
	}
	client, err := dial(c)
	if err != nil {
		return nil, err
	}
	t.Client = client
	info, err := t.info("")
	if err != nil {
		t.close()
		return nil, err
	}
	_, t.countsObjects = info["allocated_objects"]
	if c.PID == 0 && isLoopback(client) {
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
		t.Client.Close()
	}
}

func isLoopback(conn net.Conn) bool {
	addr, ok := conn.RemoteAddr().(*net.TCPAddr)
	return ok && addr.IP.IsLoopback()
}

// dial connects, authenticates if there is a token, and turns DETAIL on if replies must have their
// fields.
func dial(c *Config) (*Client, error) {
	if c.Floor || !c.Protocol.ours {
		return Dial(c.Server, "", talkMax)
	}
	client, err := Dial(c.Server, c.Token, talkMax)
	if err == nil && c.detailed() {
		if err = client.WantOK("DETAIL ON"); err != nil {
			client.Close()
		}
	}
	return client, err
}

// info asks for INFO, all of it or a section, and returns its fields.
func (t *target) info(section string) (map[string]string, error) {
	if t.Client == nil {
		return nil, nil
	}
	head, err := t.Ask("INFO" + section)
	if err != nil {
		return nil, fmt.Errorf("INFO: %w", err)
	}
	count, ok := strings.CutPrefix(head, "OK lines=")
	lines, err := strconv.Atoi(count)
	if !ok || err != nil {
		return nil, fmt.Errorf("INFO: %w", wrongReply([]byte(head), "OK lines=..."))
	}
	fields := make(map[string]string)
	for range lines {
		line, err := t.Line()
		if err != nil {
			return nil, fmt.Errorf("INFO: %w", err)
		}
		if name, value, ok := strings.Cut(line, ":"); ok {
			fields[name] = value
		}
	}
	return fields, nil
}

// usage is what the server had used up at one moment.
type usage struct {
	cpuNs    int64 // of all threads; -1: not known
	resident int64 // bytes; -1: not known
	gcCycles int64 // -1: not known
	objects  int64 // allocated since the server started; -1: not known
}

// usage reads the accounts of the process, and INFO for the rest.
func (t *target) usage() (usage, error) {
	u := usage{-1, -1, -1, -1}
	if ns, ok := CPUOf(t.pid); ok {
		u.cpuNs = ns
	}
	// No more than is needed: what INFO allocates is counted too.
	info, err := t.info(" memory")
	if err != nil {
		return u, err
	}
	if n, err := strconv.ParseInt(info["gc_cycles"], 10, 64); err == nil {
		u.gcCycles = n
	}
	if n, err := strconv.ParseInt(info["allocated_objects"], 10, 64); err == nil {
		u.objects = n
	}
	if n, err := strconv.ParseInt(info["used_memory_rss"], 10, 64); err == nil {
		u.resident = n
	}
	if n, ok := residentOf(t.pid); ok {
		u.resident = n
	}
	return u, nil
}

// CPUOf is the CPU time of the threads of a process, in nanoseconds, as the
// scheduler counts it: user and kernel, without the ticks of /proc/PID/stat.
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

// residentOf is the resident memory of a process in bytes.
func residentOf(pid int) (int64, bool) {
	if pid <= 0 {
		return 0, false
	}
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	if err != nil {
		return 0, false
	}
	fields := strings.Fields(string(text))
	if len(fields) < 2 {
		return 0, false
	}
	pages, err := strconv.ParseInt(fields[1], 10, 64)
	return pages * int64(os.Getpagesize()), err == nil
}
