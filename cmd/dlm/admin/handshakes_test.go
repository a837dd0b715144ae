package admin

import (
	"crypto"
	"crypto/tls"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"dlm/engine/transport"
	"dlm/internal/testcert"
	"dlm/internal/testflag"
)

// slowKey is a key whose signatures take as long as those of a large RSA key. The first ones wait
// until together are made at one time.
type slowKey struct {
	crypto.Signer
	together int
	met      chan struct{} // closed when that many were made at one time

	mu             sync.Mutex
	now, most, all int
}

func (k *slowKey) Sign(random io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	k.mu.Lock()
	k.now++
	k.all++
	if k.most < k.now {
		if k.most = k.now; k.most == k.together {
			close(k.met)
		}
	}
	k.mu.Unlock()
	select {
	case <-k.met:
	case <-time.After(testflag.Patience):
	}
	time.Sleep(5 * time.Millisecond)
	k.mu.Lock()
	k.now--
	k.mu.Unlock()
	return k.Signer.Sign(random, digest, opts)
}

// TestHandshakesComputeInTurn: of many that come at one time as many compute as there are permits,
// and none keeps its permit, whatever became of it.
func TestHandshakesComputeInTurn(t *testing.T) {
	ca := testcert.NewCA(t)
	pair := ca.Pair()
	const permits = 2
	key := &slowKey{Signer: pair.PrivateKey.(crypto.Signer), together: permits, met: make(chan struct{})}
	pair.PrivateKey = key
	f := &fake{work: make(transport.Permits, permits)}
	s, _ := serveOver(t, f, &tls.Config{Certificates: []tls.Certificate{pair}})
	var clients sync.WaitGroup
	for i := range 12 {
		clients.Go(func() {
			config := &tls.Config{RootCAs: ca.Pool(), ServerName: "localhost"}
			if i%4 == 0 {
				config.MaxVersion = tls.VersionTLS12
			}
			if i%4 == 1 {
				config.ServerName = "another" // the client gives up in the handshake
			}
			c, err := tls.Dial("tcp", s.Addr().String(), config)
			if (err != nil) != (i%4 == 1) {
				t.Errorf("client %d: %v", i, err)
			}
			if err == nil {
				_, _ = io.WriteString(c, "GET /livez HTTP/1.0\r\n\r\n")
				if answer, err := io.ReadAll(c); len(answer) == 0 {
					t.Errorf("client %d: no answer: %v", i, err)
				}
				_ = c.Close()
			}
		})
	}
	clients.Wait()
	for _, junk := range []string{"GET / HTTP/1.0\r\n\r\n", "\x16\x03\x01"} {
		c, err := net.Dial("tcp", s.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(c, junk)
		_ = c.Close()
	}
	if key.most != permits || key.all != 12 {
		t.Errorf("%d of %d signatures were made at one time, want %d of 12", key.most, key.all, permits)
	}
	for range permits {
		f.work.Acquire() // all are there
	}
}
