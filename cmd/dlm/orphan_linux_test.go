package main

import "syscall"

// ownGroup starts a server in a process group of its own, and ends it with the tests even if the
// tests are killed or time out.
func ownGroup() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
