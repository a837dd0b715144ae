package main

import (
	"os/exec"
	"syscall"
)

// dieWithParent ends a server when this program is killed.
func dieWithParent(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
}
