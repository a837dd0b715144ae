package bench

import (
	"bufio"
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
	c    *Config
	conn net.Conn // nil for a server that does not answer INFO
	in   *bufio.Reader
	pid  int // 0: not known

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
	conn, err := dial(c)
	if err != nil {
		return nil, err
	}
	t.conn, t.in = conn, bufio.NewReader(conn)
	info, err := t.info("")
	if err != nil {
		conn.Close()
		return nil, err
	}
	_, t.countsObjects = info["allocated_objects"]
	if c.PID == 0 && isLoopback(conn) {
		// A process that can't be read belongs to another machine or namespace.
		pid, err := strconv.Atoi(info["process_id"])
		if _, ok := CPUOf(pid); err == nil && ok {
			t.pid = pid
		}
	}
	return t, nil
}

func (t *target) close() {
	if t.conn != nil {
		t.conn.Close()
	}
}

func isLoopback(conn net.Conn) bool {
	addr, ok := conn.RemoteAddr().(*net.TCPAddr)
	return ok && addr.IP.IsLoopback()
}

// dial connects, authenticates if there is a token, and turns DETAIL on if replies must have their
// fields.
func dial(c *Config) (net.Conn, error) {
	conn, err := net.DialTimeout("tcp", c.Server, talkMax)
	if err != nil || c.Floor || !c.Protocol.ours {
		return conn, err
	}
	if c.Token != "" {
		err = wantOK(conn, "AUTH "+strconv.Quote(c.Token))
	}
	if err == nil && c.detailed() {
		err = wantOK(conn, "DETAIL ON")
	}
	if err != nil {
		conn.Close()
		return nil, err
	}
	return conn, nil
}

// wantOK sends a line that is answered by OK.
func wantOK(conn net.Conn, line string) error {
	reply, err := exchange(conn, []byte(line+"\n"), len("OK\n"))
	if err == nil && reply != "OK\n" {
		verb, _, _ := strings.Cut(line, " ") // the rest may be a secret
		err = fmt.Errorf("%s: %w", verb, wrongReply([]byte(reply), "OK\n"))
	}
	return err
}

// exchange sends a request and reads what answers it, at least n bytes.
func exchange(conn net.Conn, request []byte, n int) (string, error) {
	if err := conn.SetDeadline(time.Now().Add(talkMax)); err != nil {
		return "", err
	}
	defer conn.SetDeadline(time.Time{})
	if _, err := conn.Write(request); err != nil {
		return "", err
	}
	buf, at := make([]byte, 4096), 0
	for at < n {
		more, err := conn.Read(buf[at:])
		at += more
		if err != nil {
			return string(buf[:at]), err
		}
	}
	return string(buf[:at]), nil
}

// ask sends a line and returns the first line of the answer.
func (t *target) ask(line string) (string, error) {
	if err := t.send([]byte(line + "\n")); err != nil {
		return "", err
	}
	return t.line()
}

// send writes a request, whose answer must come within talkMax.
func (t *target) send(request []byte) error {
	if err := t.conn.SetDeadline(time.Now().Add(talkMax)); err != nil {
		return err
	}
	_, err := t.conn.Write(request)
	return err
}

func (t *target) line() (string, error) {
	line, err := t.in.ReadString('\n')
	return strings.TrimRight(line, "\r\n"), err
}

// info asks for INFO, all of it or a section, and returns its fields.
func (t *target) info(section string) (map[string]string, error) {
	if t.conn == nil {
		return nil, nil
	}
	head, err := t.ask("INFO" + section)
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
		line, err := t.line()
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
