package main

import "syscall"

// ownGroup starts a server in a process group of its own, and ends it with the
// tests even where these are killed, or end by their own time-out.
func ownGroup() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
