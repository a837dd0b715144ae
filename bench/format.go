package bench

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"strconv"
	"strings"
)

// FormatCount is a number with three digits that count: 1.23M.
func FormatCount(v float64) string {
	switch {
	case v >= 1e9:
		return digits3(v/1e9) + "G"
	case v >= 1e6:
		return digits3(v/1e6) + "M"
	case v >= 1e3:
		return digits3(v/1e3) + "k"
	}
	return digits3(v)
}

// FormatNs is a duration given in nanoseconds.
func FormatNs(v float64) string {
	switch {
	case v >= 1e9:
		return digits3(v/1e9) + "s"
	case v >= 1e6:
		return digits3(v/1e6) + "ms"
	case v >= 1e3:
		return digits3(v/1e3) + "µs"
	}
	return digits3(v) + "ns"
}

func formatCPU(v float64) string { return digits3(v) }

func formatShare(v float64) string { return strconv.FormatFloat(v, 'f', 2, 64) }

func formatBytes(n int64) string {
	return digits3(float64(n)/(1<<20)) + "MiB"
}

// digits3 shows three digits, and all of them before the point.
func digits3(v float64) string {
	switch {
	case v >= 100:
		return strconv.FormatFloat(v, 'f', 0, 64)
	case v >= 10:
		return strconv.FormatFloat(v, 'f', 1, 64)
	}
	return strconv.FormatFloat(v, 'f', 2, 64)
}

// statusLine is one line on a terminal that is written over.
type statusLine struct{ w io.Writer }

func newStatusLine(w io.Writer) *statusLine { return &statusLine{w} }

// The escape sequence clears the rest of the line.
const clearLine = "\r\x1b[K"

func (s *statusLine) show(format string, args ...any) {
	if s.w != nil {
		fmt.Fprintf(s.w, clearLine+format, args...)
	}
}

func (s *statusLine) clear() { s.show("") }

// cpuCount is how many processors the machine has, also those that this process
// is kept off by its affinity.
func cpuCount() int {
	text, err := os.ReadFile("/proc/cpuinfo")
	if n := strings.Count("\n"+string(text), "\nprocessor"); err == nil && n > 0 {
		return n
	}
	return runtime.NumCPU()
}

// cpuModel is the processor as Linux names it; empty elsewhere.
func cpuModel() string {
	text, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(text)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

func kernelRelease() string {
	text, err := os.ReadFile("/proc/sys/kernel/osrelease")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(text))
}
