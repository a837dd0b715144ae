package bench

import (
	"os"
	"runtime"
	"strconv"
	"strings"
)

// FormatCount shows a number with three digits that count: 1.23M.
func FormatCount(v float64) string { return scaled(v, "", "k", "M", "G") }

// FormatNs shows a duration that is given in nanoseconds.
func FormatNs(v float64) string { return scaled(v, "ns", "µs", "ms", "s") }

// scaled shows v with the largest unit of which it is at least 1. Each unit is 1,000 times the one
// before.
func scaled(v float64, units ...string) string {
	i := 0
	for v >= 1000 && i < len(units)-1 {
		v /= 1000
		i++
	}
	return Digits3(v) + units[i]
}

// Digits3 shows three digits, and all of them before the point.
func Digits3(v float64) string {
	switch {
	case v >= 100:
		return strconv.FormatFloat(v, 'f', 0, 64)
	case v >= 10:
		return strconv.FormatFloat(v, 'f', 1, 64)
	}
	return Digits2(v)
}

// Digits2 shows two digits after the point.
func Digits2(v float64) string { return strconv.FormatFloat(v, 'f', 2, 64) }

// Machine is where the generator ran.
type Machine struct {
	CPUs   int    `json:"cpus"`
	Model  string `json:"model,omitempty"`
	Kernel string `json:"kernel,omitempty"`
	Go     string `json:"go"`
}

// ThisMachine describes the machine that this process runs on. Its processors are all of them, also
// those that this process is kept off by its affinity.
func ThisMachine() Machine {
	m := Machine{CPUs: runtime.NumCPU(), Go: runtime.Version()}
	if text, err := os.ReadFile("/proc/sys/kernel/osrelease"); err == nil {
		m.Kernel = strings.TrimSpace(string(text))
	}
	if text, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		m.CPUs = max(strings.Count("\n"+string(text), "\nprocessor"), 1)
		_, rest, _ := strings.Cut(string(text), "model name")
		line, _, _ := strings.Cut(rest, "\n")
		m.Model = strings.Trim(line, "\t :")
	}
	return m
}
