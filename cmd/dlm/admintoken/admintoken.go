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

// fileMax is more bytes than a token file has.
const fileMax = 4096

// Files are the files of a running server.
type Files struct {
	token string
	paths []string
}

// Write writes the token to the data directory, if there is one, and for each port to the runtime
// directory. What could be written is in the files, which are never nil, in spite of an error.
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

// Clean removes what a killed server has left under the names that a server has for itself.
func Clean(dataDir string, ports []string) {
	if dataDir != "" {
		_ = os.Remove(filepath.Join(dataDir, Name)) // mostly there is none
	}
	if dir, err := directory(false); err == nil {
		for _, port := range ports {
			_ = os.Remove(portFile(dir, port))
		}
	}
}

func portFile(dir, port string) string { return filepath.Join(dir, port+".token") }

// Path returns the file that people are told of; empty: none could be written.
func (f *Files) Path() string {
	if len(f.paths) == 0 {
		return ""
	}
	return f.paths[0]
}

// Remove removes the files, if they are still those of this server.
func (f *Files) Remove() {
	for _, path := range f.paths {
		if token, err := read(path); err == nil && token == f.token {
			_ = os.Remove(path) // what stays is worth nothing
		}
	}
}

// write makes one file whole, or not at all. What has its name is replaced, not followed.
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

// Find returns the admin token of the server without tokens that this user runs at an address,
// host:port, of this machine; empty: none is known. A token is never given for another machine.
func Find(addr string) string {
	host, port, err := net.SplitHostPort(addr)
	if err != nil || !loopback(host) {
		return ""
	}
	if strings.Trim(port, "0123456789") != "" || port == "" {
		return "" // it becomes the name of a file
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

// read returns the token in a file that is this user's own, and nobody else's to read.
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

// directory returns the runtime directory, which it makes if it is to.
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

// ownerOf returns the user that a file belongs to; -1: not known.
func ownerOf(info fs.FileInfo) int {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		return int(stat.Uid)
	}
	return -1
}
