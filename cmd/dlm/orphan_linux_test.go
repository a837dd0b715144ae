package main

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// ownGroup starts a server in a process group of its own, and ends it with the tests even if the
// tests are killed or time out.
func ownGroup() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// waitStopped returns when no thread of a child that was sent SIGSTOP runs any more.
func waitStopped(pid int) {
	for unix.Waitid(unix.P_PID, pid, nil, unix.WSTOPPED|unix.WNOWAIT, nil) == unix.EINTR {
	}
}
