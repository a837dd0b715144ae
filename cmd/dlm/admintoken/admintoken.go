package admintoken

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// Name is the name of the file in a data directory.
const Name = "admin.token"

// fileMax is more than the bytes of a token file.
const fileMax = 4096

// Files are the files of a running server.
type Files struct {
	token string
	paths []string
}

// Write writes the token to the data directory, if there is one, and to the runtime directory for
// each port. It never returns nil: with an error, Files has the files that could be written.
func Write(token, dataDir string, ports []string) (*Files, error) {
	f := &Files{token: token}
	var errs []error
	if dataDir != "" {
		errs = append(errs, f.write(filepath.Join(dataDir, Name)))
	}
	dir, err := directory(true)
	errs = append(errs, err)
	for _, port := range ports {
		if err == nil {
			errs = append(errs, f.write(portFile(dir, port)))
		}
	}
	return f, errors.Join(errs...)
}

// Clean removes the files that a killed server has left under the names of this server.
func Clean(dataDir string, ports []string) {
	if dataDir != "" {
		_ = os.Remove(filepath.Join(dataDir, Name)) // usually there is none
	}
	if dir, err := directory(false); err == nil {
		for _, port := range ports {
			_ = os.Remove(portFile(dir, port))
		}
	}
}

func portFile(dir, port string) string { return filepath.Join(dir, port+".token") }

// Path returns the file that people are told of, or "" if none could be written.
func (f *Files) Path() string {
	if len(f.paths) == 0 {
		return ""
	}
	return f.paths[0]
}

// Remove removes the files that still hold the token of this server.
func (f *Files) Remove() {
	for _, path := range f.paths {
		if token, err := read(path); err == nil && token == f.token {
			_ = os.Remove(path) // a token that stays there is invalid
		}
	}
}

// write makes one whole file, or none. It replaces a file or link of that name and does not follow
// it.
func (f *Files) write(path string) error {
	var random [8]byte
	rand.Read(random[:]) // never fails (crypto/rand)
	half := path + "." + hex.EncodeToString(random[:]) + ".partial"
	file, err := os.OpenFile(half, os.O_WRONLY|os.O_CREATE|os.O_EXCL|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return err
	}
	_, err = file.WriteString(f.token + "\n")
	if err = errors.Join(err, file.Close()); err == nil {
		err = os.Rename(half, path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(half))
	}
	f.paths = append(f.paths, path)
	return nil
}

// Find returns the admin token of a server without tokens that this user runs at host:port of this
// machine. It returns "" if none is known, and always for another machine.
func Find(addr string) string {
	host, port, err := net.SplitHostPort(addr)
	if err != nil || !loopback(host) {
		return ""
	}
	if strings.Trim(port, "0123456789") != "" || port == "" {
		return "" // the port becomes a file name
	}
	dir, err := directory(false)
	if err != nil {
		return ""
	}
	token, err := read(portFile(dir, port))
	if err != nil {
		return ""
	}
	return token
}

func loopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// read returns the token in a file that belongs to this user and that no other can read.
func read(path string) (string, error) {
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if err != nil {
		return "", err
	}
	defer func() { _ = file.Close() }() // it was only read
	info, err := file.Stat()
	if err != nil {
		return "", err
	}
	if err := private(path, info); err != nil {
		return "", err
	}
	if !info.Mode().IsRegular() {
		return "", fmt.Errorf("%s is no file", path)
	}
	text, err := io.ReadAll(io.LimitReader(file, fileMax))
	return strings.TrimSpace(string(text)), err
}

// directory returns the runtime directory. It makes it if create is true.
func directory(create bool) (string, error) {
	dir := filepath.Join(os.TempDir(), fmt.Sprintf("dlm-%d", os.Getuid()))
	if runtime := os.Getenv("XDG_RUNTIME_DIR"); filepath.IsAbs(runtime) {
		if info, err := os.Lstat(runtime); err == nil && info.IsDir() && ownerOf(info) == os.Getuid() {
			dir = filepath.Join(runtime, "dlm")
		}
	}
	if create {
		if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
			return "", err
		}
	}
	info, err := os.Lstat(dir)
	if err != nil {
		return "", err
	}
	if !info.IsDir() {
		return "", fmt.Errorf("%s is no directory", dir)
	}
	return dir, private(dir, info)
}

// private returns an error unless a file is this user's own and closed to all others.
func private(path string, info fs.FileInfo) error {
	if ownerOf(info) != os.Getuid() {
		return fmt.Errorf("%s belongs to another user", path)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return fmt.Errorf("%s is open to other users (%v)", path, info.Mode().Perm())
	}
	return nil
}

// ownerOf returns the user id of a file's owner, or -1 if it is not known.
func ownerOf(info fs.FileInfo) int {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		return int(stat.Uid)
	}
	return -1
}
