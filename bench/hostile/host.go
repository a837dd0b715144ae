package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"syscall"
	"time"
)

// Variables of the environment of the programs that this one starts.
const (
	tokenVar  = "DLM_HOSTILE_TOKEN" // of the server, for the hostile process
	pinnedVar = "DLM_HOSTILE_PINNED"
)

// addresses are where a server listens, and the token of an admin that it knows.
type addresses struct{ lock, http, tls, token string }

// host starts servers, one at a time, from files of its own.
type host struct {
	s     *settings
	dir   string // of the binary, the token file and the certificate
	token string
}

// pinSelf starts this program again on a core, so that all its threads are there.
func pinSelf(core int) error {
	taskset, err := exec.LookPath("taskset")
	if err != nil || runtime.NumCPU() < 2 || os.Getenv(pinnedVar) != "" {
		return nil // the figures are those of whatever cores there are
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	args := append([]string{taskset, "-c", strconv.Itoa(core), self}, os.Args[1:]...)
	return syscall.Exec(taskset, args, append(os.Environ(), pinnedVar+"=1"))
}

func newHost(ctx context.Context, s *settings) (h *host, err error) {
	h = &host{s: s, token: "hostile-" + rand.Text()}
	if h.dir, err = os.MkdirTemp("", "dlm-hostile-"); err != nil {
		return nil, err
	}
	err = errors.Join(h.writeToken(), h.writeCertificate())
	if err == nil && s.dlm == "" {
		s.dlm = filepath.Join(h.dir, "dlm")
		build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", s.dlm, "./cmd/dlm")
		build.Env = append(os.Environ(), "CGO_ENABLED=0") // as make build does
		build.Stderr = os.Stderr
		err = build.Run()
	}
	if err != nil {
		h.close()
		return nil, err
	}
	return h, nil
}

func (h *host) close() { _ = os.RemoveAll(h.dir) }

func (h *host) path(name string) string { return filepath.Join(h.dir, name) }

func (h *host) writeToken() error {
	entry := fmt.Sprintf("[[token]]\nname = 'bench'\nrole = 'admin'\nsha256 = '%x'\n", sha256.Sum256([]byte(h.token)))
	return os.WriteFile(h.path("tokens"), []byte(entry), 0o600)
}

// writeCertificate makes a certificate for loopback that ends tomorrow.
func (h *host) writeCertificate() error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	form := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(24 * time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	cert, err := x509.CreateCertificate(rand.Reader, form, form, key.Public(), key)
	if err != nil {
		return err
	}
	return errors.Join(
		os.WriteFile(h.path("cert"), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert}), 0o600),
		os.WriteFile(h.path("key"), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}), 0o600))
}
