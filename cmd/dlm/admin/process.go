package admin

import (
	"os"
	"syscall"
	"time"

	"dlm/engine"
)

// processFamilies are the metrics of the process under their usual names. The collector of the
// library reads several files for them, among them the traffic of the whole machine, and took a
// third of a scrape.
func processFamilies(begun time.Time) []family {
	start := float64(begun.UnixMilli()) / 1e3
	return []family{
		number("process_cpu_seconds_total", counter, "Processor time of the process, user and system.",
			func(*engine.Stats) float64 { return cpuSeconds() }),
		number("process_resident_memory_bytes", gauge, "Resident memory of the process.",
			func(s *engine.Stats) float64 { return float64(s.Resident) }),
		number("process_start_time_seconds", gauge, "When the process began, in Unix time.",
			func(*engine.Stats) float64 { return start }),
		number("process_max_fds", gauge, "Most file descriptors that the process may have open.",
			func(*engine.Stats) float64 { return descriptorsMax() }),
		{name: "process_open_fds", kind: gauge, help: "Open file descriptors; only on Linux since 6.2.",
			emit: func(_ *engine.Stats, out func(float64, ...string)) {
				// Others give this directory no size, and counting 10,000 names takes milliseconds.
				if info, err := os.Stat("/proc/self/fd"); err == nil && info.Size() > 0 {
					out(float64(info.Size()))
				}
			}},
	}
}

func cpuSeconds() float64 {
	var used syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &used) != nil {
		return 0
	}
	return float64(used.Utime.Nano()+used.Stime.Nano()) / 1e9
}

func descriptorsMax() float64 {
	var limit syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit) != nil {
		return 0
	}
	return float64(limit.Cur)
}
