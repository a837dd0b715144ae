package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"dlm/codec"
	"dlm/engine/snapshot"
	"dlm/internal/testflag"
)

const crashLease = time.Second

// TestKilledUnderLoad kills the server at random moments while clients hold, re-enter, renew and
// release exclusive and shared locks and semaphores. It starts the server again, or promotes its
// backup, and checks the promises of the mode: no two certain holds that exclude each other
// overlap. No token comes twice or falls. No live holder that shows its token loses its lock or its
// count. A hold that was released before the image does not come back. A command that is repeated
// with REQ counts once. The wall clock jumps with every start, back as often as ahead.
//
// DLM_KILLS sets the number of kills; each takes some two seconds. There are more of them as long
// as they met no claim of some kind.
func TestKilledUnderLoad(t *testing.T) {
	kills := 4
	if n, err := strconv.Atoi(os.Getenv("DLM_KILLS")); err == nil {
		kills = n
	} else if testing.Short() {
		t.Skip("takes seconds by its nature: leases and grace periods of one second run out")
	}
	w := newCrashWorld(t)
	w.start(w.newDir())
	var clients sync.WaitGroup
	for i := range 12 {
		clients.Go(func() {
			newCrashClient(w, i).run()
		})
	}
	n := 0
	for ; n < kills || time.Since(w.began) < eventually && len(w.book.missing()) > 0; n++ {
		// The random moment is the point of the test.
		time.Sleep(time.Duration(300+w.rng.IntN(1500)) * time.Millisecond)
		if w.rng.IntN(3) == 0 {
			w.failOver()
		} else {
			w.crash()
			w.start(w.server.dir)
		}
	}
	close(w.stop)
	clients.Wait()
	w.finish(n)
}

// crashWorld is a server that is killed again and again, sometimes its backup, and what the clients
// have seen.
type crashWorld struct {
	t      *testing.T
	began  time.Time
	seed   uint64
	rng    *rand.Rand
	root   string
	binary string // its wall clock can be set back
	dirs   int
	server *crashServer // the primary
	stop   chan struct{}

	mu   sync.Mutex
	addr string // of the primary
	book crashBook
}

// crashServer is one start of a server.
type crashServer struct {
	*process
	dir     string
	back    time.Duration // its wall clock is this far back
	serving int64         // when it became the primary
}

func newCrashWorld(t *testing.T) *crashWorld {
	w := &crashWorld{t: t, began: time.Now(), seed: testflag.Seed(t), root: t.TempDir(), stop: make(chan struct{}), addr: freeAddr(t)}
	w.rng = rand.New(rand.NewPCG(w.seed, 7))
	w.binary = buildWithWrongClock(t, w.root)
	w.book.init()
	return w
}

// now is the time of this process in ns since 1970, as it would be if nobody set its clock.
func (w *crashWorld) now() int64 { return w.began.UnixNano() + int64(time.Since(w.began)) }

// buildWithWrongClock builds the command with the wall clock of testdata/clock, and with the
// replaced files of DLM_OVERLAY, if internal/mutants has set it.
func buildWithWrongClock(t *testing.T, dir string) string {
	var overlay struct{ Replace map[string]string }
	if more := os.Getenv("DLM_OVERLAY"); more != "" {
		b, err := os.ReadFile(more)
		if err == nil {
			err = json.Unmarshal(b, &overlay)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	of, err1 := filepath.Abs("../../engine/clock/wall.go")
	by, err2 := filepath.Abs("testdata/clock/wall.go")
	if overlay.Replace == nil {
		overlay.Replace = map[string]string{}
	}
	overlay.Replace[of] = by
	text, err3 := json.Marshal(overlay)
	path, config := filepath.Join(dir, "dlm"), filepath.Join(dir, "overlay.json")
	if err := errors.Join(err1, err2, err3, os.WriteFile(config, text, 0o600), buildBinary(path, "-overlay", config)); err != nil {
		t.Fatal(err)
	}
	return path
}

func (w *crashWorld) newDir() string {
	w.dirs++
	return filepath.Join(w.root, strconv.Itoa(w.dirs))
}

func (w *crashWorld) launch(listen, http, dir string, more ...string) *crashServer {
	s := &crashServer{dir: dir, back: time.Duration(w.rng.IntN(7200)-3600) * time.Second}
	args := append([]string{"--listen", listen, "--http", http, "--data-dir", dir, "--lease", crashLease.String(),
		"--recovery-grace", crashLease.String(), "--snapshot-interval", "100ms"}, more...)
	s.process = startBuilt(w.t, w.binary, []string{"WALL_BACK=" + s.back.String()}, args...)
	s.serving = w.now()
	return s
}

// start starts the primary from that directory.
func (w *crashWorld) start(dir string) {
	was := w.server
	w.server = w.launch(w.addr, "off", dir)
	if was != nil && w.server.back > was.back {
		w.book.count("wall clock set back")
	}
}

// crash kills the primary and compares its newest image with the books of the clients.
func (w *crashWorld) crash() {
	w.server.signal(w.t, syscall.SIGKILL)
	_ = w.server.waitExit(w.t)
	w.server.cmd.Path = "" // it was meant to be killed
	w.checkImage(w.server)
}

// failOver lets a backup follow the primary's directory, kills the primary, and
// promotes the backup, which finds the directory free.
func (w *crashWorld) failOver() {
	http, dir, addr := freeAddr(w.t), w.newDir(), freeAddr(w.t)
	backup := w.launch(addr, http, dir, "--backup-of", w.server.dir)
	waitServesImage(w.t, dialLine(w.t, addr))
	w.crash()
	if out, errs, code := command(w.t, nil, "promote", "--http", http); code != exitOK {
		w.t.Fatalf("promotion: %s %s", out, errs)
	}
	backup.serving = w.now()
	w.server = backup
	w.mu.Lock()
	w.addr = addr
	w.mu.Unlock()
	w.book.count("promotions")
}

// checkImage looks in the newest image for holds that clients had released before it was begun. It
// only counts releases that the server which wrote the image has answered, because a crash loses
// what an earlier server executed after its last image.
func (w *crashWorld) checkImage(p *crashServer) {
	names, err := snapshot.Images(p.dir)
	if err != nil || len(names) == 0 {
		return
	}
	img, err := snapshot.Open(filepath.Join(p.dir, names[0]))
	if err != nil {
		w.t.Errorf("image after a kill: %v", err)
		return
	}
	defer img.Close()
	if at, err := os.Stat(img.Path()); err != nil || at.ModTime().UnixNano() < p.serving {
		return // the server before wrote it, with its own clock
	}
	begun := img.Header().WallTime + int64(p.back)
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
				w.book.imaged(w.t, string(h.Name), uint64(h.Token), p.serving, begun)
			}
		}
	}
	w.book.lostWith(held, begun, w.now())
	w.book.count("images")
}

// takeLast waits for a lock for longer than lease and grace. It does so again if the process was
// paused meanwhile: leases wait for the heartbeats that arrived in a pause, and waits don't.
func takeLast(c *line, what, mode string) (answer string) {
	for end := time.Now().Add(eventually); ; {
		pauses := c.info("process_pauses")
		answer = c.ask(fmt.Sprintf("ACQUIRE %s %d%s", what, (3 * crashLease).Milliseconds(), mode))
		if answer == "OK" || c.info("process_pauses") == pauses || time.Now().After(end) {
			return answer
		}
	}
}

// finish checks that all locks are free within lease and grace, and logs the counts.
func (w *crashWorld) finish(kills int) {
	c := dialLine(w.t, w.addr)
	for i := range crashLocks {
		modes := []string{""}
		if i >= crashPermits {
			modes = []string{twoPermits, twoPermits}
		}
		for _, mode := range modes {
			if got := takeLast(c, crashLock(i)+" last", mode); got != "OK" {
				w.t.Errorf("%s is not free within lease and grace: %s", crashLock(i), got)
			}
		}
	}
	w.book.check(w.t)
	w.t.Logf("%d kills: %s", kills, w.book.summary())
	if missing := w.book.missing(); len(missing) > 0 {
		w.t.Errorf("this run did not test %s", strings.Join(missing, ", "))
	}
}
