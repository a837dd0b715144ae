package settings

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"
)

// secretFile holds the permissions of a file with secrets, and the process that reads it.
type secretFile struct {
	mode         fs.FileMode // permission bits
	owner, group int         // of the file
	user         int         // of the process
	groups       []int       // of the process, all of them
	credential   bool        // of systemd, in a directory that this service alone can enter
}

// Permission bits of everybody except the owner.
const (
	worldAny   = 0o007
	groupWrite = 0o030 // and execute
	groupRead  = 0o040
)

// checkSecretFile returns a problem if anybody except the file's owner may use it. The group may
// read it if the owner is root and the process has that group, because Kubernetes mounts a Secret
// so for a container that does not run as root. The group of a credential of systemd is no group of
// the process, because an access control list gives the access. Its bits look like the group's.
func checkSecretFile(path string, info fs.FileInfo) error {
	f := secretFile{mode: info.Mode().Perm(), owner: -1, group: -1,
		user: os.Geteuid(), groups: []int{os.Getegid()}, credential: isCredential(path)}
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		f.owner, f.group = int(stat.Uid), int(stat.Gid)
	}
	if more, err := os.Getgroups(); err == nil {
		f.groups = append(f.groups, more...)
	}
	return f.check(path)
}

// isCredential reports whether a file is a credential that systemd gave to this service.
func isCredential(path string) bool {
	dir := os.Getenv("CREDENTIALS_DIRECTORY")
	return dir != "" && filepath.Dir(path) == filepath.Clean(dir)
}

func (f *secretFile) check(path string) error {
	ofOurs := slices.Contains(f.groups, f.group)
	switch {
	case f.owner > 0 && f.owner != f.user: // the owner could change who has which role
		return fmt.Errorf("%s: its owner is the user %d: chown it to the user of the server, and chmod 600 %s", path, f.owner, path)
	case f.mode&(worldAny|groupWrite|groupRead) == 0:
		return nil
	case f.mode&(worldAny|groupWrite) == 0 && f.owner == 0 && (ofOurs || f.credential):
		return nil
	case f.owner == 0 && f.user != 0: // chmod is not ours to do
		return fmt.Errorf("%s: mode %04o lets others use it, and its owner is root: as root, chgrp it to a group of "+
			"this process and chmod 440; for a Secret of Kubernetes set defaultMode: 0440 on the volume and an "+
			"fsGroup in the pod's securityContext", path, f.mode)
	case f.owner == 0:
		return fmt.Errorf("%s: mode %04o lets others than its owner use it: chmod 600 %s; for a Secret of Kubernetes "+
			"set defaultMode: 0400 on the volume", path, f.mode, path)
	}
	return fmt.Errorf("%s: mode %04o lets others than its owner use it: chmod 600 %s", path, f.mode, path)
}
