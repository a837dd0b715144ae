package systemd

import (
	"context"
	"fmt"
	"net"
	"os"
	"strconv"
	"time"
)

// The variables of a service with Type=notify and WatchdogSec.
const (
	envSocket       = "NOTIFY_SOCKET"
	envWatchdog     = "WATCHDOG_USEC" // microseconds until a silent service is ended
	envWatchdogOf   = "WATCHDOG_PID"  // the process that must not be silent
	watchdogPerTime = 3               // messages per WatchdogSec: one may be late without harm
)

// Manager is the service manager. The nil Manager is none: its methods do nothing.
type Manager struct {
	socket   *net.UnixConn
	watchdog time.Duration // silence that the manager accepts; 0: it does not watch
}

// FromEnvironment connects to the manager that started the process and takes its variables out of
// the environment, because a child of the server must not speak for it. It returns nil if no
// manager listens.
func FromEnvironment() (*Manager, error) {
	path, watchdog, of := os.Getenv(envSocket), os.Getenv(envWatchdog), os.Getenv(envWatchdogOf)
	for _, name := range []string{envSocket, envWatchdog, envWatchdogOf} {
		if err := os.Unsetenv(name); err != nil {
			return nil, err
		}
	}
	if path == "" {
		return nil, nil
	}
	socket, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", envSocket, err)
	}
	m := &Manager{socket: socket}
	if watchdog == "" || of != "" && of != strconv.Itoa(os.Getpid()) {
		return m, nil
	}
	us, err := strconv.ParseInt(watchdog, 10, 64)
	if err != nil || us <= 0 || us > int64(24*time.Hour/time.Microsecond) {
		return nil, fmt.Errorf("%s: %q is not a number of microseconds up to a day", envWatchdog, watchdog)
	}
	m.watchdog = time.Duration(us) * time.Microsecond
	return m, nil
}

// Ready reports that clients can connect.
func (m *Manager) Ready() { m.say("READY=1\nSTATUS=serving") }

// Stopping reports that a stop has begun. The stop has a bound of its own.
func (m *Manager) Stopping() { m.say("STOPPING=1\nSTATUS=stopping") }

// Watch feeds the watchdog while alive returns true, until ctx ends. A server that hangs is then
// ended and started anew by the manager.
func (m *Manager) Watch(ctx context.Context, alive func() bool) {
	if m == nil || m.watchdog == 0 {
		return
	}
	every := time.NewTicker(m.watchdog / watchdogPerTime)
	defer every.Stop()
	for {
		if alive() {
			m.say("WATCHDOG=1")
		}
		select {
		case <-ctx.Done():
			return
		case <-every.C:
		}
	}
}

// say sends one message. An error means that the manager is gone or stalls, and the server goes on
// without it.
func (m *Manager) say(message string) {
	if m == nil {
		return
	}
	_, _ = m.socket.Write([]byte(message))
}
