//go:build !linux

package main

import "os/exec"

// dieWithParent has nothing to use here; the generator needs Linux anyway.
func dieWithParent(*exec.Cmd) {}
