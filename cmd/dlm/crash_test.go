package main

import (
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"dlm/codec"
	"dlm/engine/snapshot"
)

const crashLease = time.Second

// TestKilledUnderLoad kills the server at random moments while clients hold,
// re-enter, renew and release, starts it again or promotes its backup, and checks
// what the mode promises: no two certain holds of one lock overlap, no token
// comes twice or falls, no live holder that shows its token loses its lock or
// its count, and what was released before the image is not held again.
//
// DLM_KILLS sets how often; each takes some two seconds.
func TestKilledUnderLoad(t *testing.T) {
	kills := 4
	if n, err := strconv.Atoi(os.Getenv("DLM_KILLS")); err == nil {
		kills = n
	} else if testing.Short() {
		t.Skip("takes seconds by its nature: leases and grace periods of one second run out")
	}
	w := newCrashWorld(t)
	w.start()
	var clients sync.WaitGroup
	for i := range 12 {
		clients.Go(func() {
			(&crashClient{w: w, service: fmt.Sprintf("svc-%d", i), rng: rand.New(rand.NewPCG(1, uint64(i)))}).run()
		})
	}
	rng := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 7))
	for range kills {
		time.Sleep(time.Duration(300+rng.IntN(1500)) * time.Millisecond) // a random moment is what this tests
		if rng.IntN(3) == 0 {
			w.failOver()
		} else {
			w.crash()
			w.start()
		}
	}
	close(w.stop)
	clients.Wait()
	w.finish(kills)
}

// crashWorld is a server that is killed again and again, maybe its backup, and
// what all clients have seen.
type crashWorld struct {
	t      *testing.T
	root   string
	dir    string // of the primary
	dirs   int
	server *process
	stop   chan struct{}

	serving time.Time // when the primary began to serve

	mu   sync.Mutex
	addr string // of the primary
	book crashBook
}

func newCrashWorld(t *testing.T) *crashWorld {
	w := &crashWorld{t: t, root: t.TempDir(), stop: make(chan struct{})}
	w.dir = w.newDir()
	w.addr = freeAddr(t)
	w.book.init()
	return w
}

func (w *crashWorld) newDir() string {
	w.dirs++
	return filepath.Join(w.root, strconv.Itoa(w.dirs))
}

// freeAddr returns an address on which nobody listens at present.
func freeAddr(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func (w *crashWorld) launch(listen, http, dir string, more ...string) *process {
	args := append([]string{"--listen", listen, "--http", http, "--data-dir", dir, "--lease", crashLease.String(),
		"--recovery-grace", crashLease.String(), "--snapshot-interval", "100ms"}, more...)
	return startServer(w.t, nil, args...)
}

// start starts the primary from its directory.
func (w *crashWorld) start() {
	w.server = w.launch(w.addr, "off", w.dir)
	w.serving = time.Now()
}

// crash kills the primary and compares its newest image with what the clients know.
func (w *crashWorld) crash() {
	w.kill(w.server)
	w.checkImage(w.dir)
}

func (w *crashWorld) kill(p *process) {
	p.signal(w.t, syscall.SIGKILL)
	_ = p.waitExit(w.t)
	p.cmd.Path = "" // it was meant to be killed
}

// failOver lets a backup follow the primary's directory, kills the primary, and
// promotes the backup, which finds the directory free.
func (w *crashWorld) failOver() {
	http, dir, addr := freeAddr(w.t), w.newDir(), freeAddr(w.t)
	backup := w.launch(addr, http, dir, "--backup-of", w.dir)
	waitUntil(w.t, "the backup has an image", func() bool { names, _ := snapshot.Images(dir); return len(names) > 0 })
	w.crash()
	if out, errs, code := command(w.t, nil, "promote", "--http", http); code != exitOK {
		w.t.Fatalf("promotion: %s %s", out, errs)
	}
	w.server, w.dir, w.serving = backup, dir, time.Now()
	w.mu.Lock()
	w.addr = addr
	w.mu.Unlock()
	w.book.count("promotions")
}

// checkImage looks for holds in the newest image that had been released before
// it was begun, as the clients know, by the server that wrote it: what an earlier
// one had executed after its last image was lost with it.
func (w *crashWorld) checkImage(dir string) {
	names, err := snapshot.Images(dir)
	if err != nil || len(names) == 0 {
		return
	}
	img, err := snapshot.Open(filepath.Join(dir, names[0]))
	if err != nil {
		w.t.Errorf("image after a kill: %v", err)
		return
	}
	defer img.Close()
	begun := time.Unix(0, img.Header().WallTime)
	var s codec.ShardImage
	var h codec.HoldImage
	held := map[string]bool{}
	for i := range 256 {
		if err := img.Section(i, &s); err != nil {
			w.t.Errorf("image after a kill: %v", err)
			return
		}
		for k := range s.Len() {
			if s.At(k, &h); h.Count > 0 {
				held[holdKey(string(h.Name), uint64(h.Token))] = true
				w.book.imaged(w.t, string(h.Name), uint64(h.Token), w.serving, begun)
			}
		}
	}
	w.book.lostWith(held, begun)
	w.book.count("images")
}

// finish checks that everything is free within lease and grace, and tells what was seen.
func (w *crashWorld) finish(kills int) {
	c := dialLine(w.t, w.addr)
	for i := range crashLocks {
		if got := c.ask(fmt.Sprintf("ACQUIRE %s last %d", crashLock(i), (3 * crashLease).Milliseconds())); got != "OK" {
			w.t.Errorf("%s is not free within lease and grace: %s", crashLock(i), got)
		}
	}
	w.book.check(w.t)
	w.t.Logf("%d kills: %s", kills, w.book.summary())
	for _, must := range []string{"grants", "claims accepted", "re-entries", "releases"} {
		if w.book.counts[must] == 0 {
			w.t.Errorf("this run tested nothing: no %s", must)
		}
	}
}
