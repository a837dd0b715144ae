package engine

import (
	"crypto/sha256"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"dlm/engine/clock"
	"dlm/engine/durability"
	"dlm/engine/snapshot"
	"dlm/table"
)

// modelWorld is a server that is crashed, stopped and started in all variants, on real files, with
// virtual time, and clients that rely on its answers. See enginetest.Client for what they rely on.
// A violation is a case in which the server breaks a promise.
type modelWorld struct {
	t       *testing.T
	rng     *rand.Rand
	root    string
	dirs    int
	dir     string // of the present start
	s       *sim
	now     int64         // real time, ns; it goes on while the server is down
	honest  bool          // the wall clock is never set back, so old images may be copied
	setBack time.Duration // of the wall clock
	leapt   uint64        // number of the last start that did not know all starts before it
	grace   time.Duration
	clients []*modelClient
	admin   *client

	largest map[string]uint64 // largest token given so far, by lock
	known   map[string]uint64 // largest token that this start has seen, by lock
	// holds that were forced, as far as this start and its image know
	forced map[holdID]bool
	asOf   map[string]map[holdID]bool // the same as of an image, by its name
	barred map[holdID]bool            // the same as of the image of this start

	violations []string
	trace      []string
	did        map[string]int
}

// holdID names a hold for ever.
type holdID struct {
	lock  string
	token uint64
}

const modelLocks = 2

var modelAdminToken = "token-of-the-models-admin"

func newModelWorld(t *testing.T, seed uint64) *modelWorld {
	w := &modelWorld{t: t, rng: rand.New(rand.NewPCG(seed, 11)), root: t.TempDir(), grace: time.Second, honest: seed%2 == 0,
		largest: map[string]uint64{}, asOf: map[string]map[holdID]bool{}, did: map[string]int{}}
	w.newDir()
	for i := range 5 {
		w.clients = append(w.clients, newModelClient(w, fmt.Sprintf("svc-%d", i), i < 3))
	}
	w.start(nil)
	return w
}

func (w *modelWorld) newDir() {
	w.dirs++
	w.dir = filepath.Join(w.root, fmt.Sprint(w.dirs))
}

// start starts the server on the directory. Clients have to connect anew.
func (w *modelWorld) start(change func(*Config)) {
	w.known, w.barred, w.forced = map[string]uint64{}, map[holdID]bool{}, map[holdID]bool{}
	sum := sha256.Sum256([]byte(modelAdminToken))
	s, err := newDurableSim(w.t, w.dir, func(c *Config) {
		c.Lease, c.RecoveryGrace, c.SnapshotKeep = time.Second, w.grace, 3
		c.Tap, c.AdminToken = w.tap, &sum
		c.Log = slog.New(slog.NewTextHandler(io.Discard, nil))
		c.wall = func() time.Time { return time.Unix(1_700_000_000, w.now).Add(-w.setBack) }
		if change != nil {
			change(c)
		}
	})
	if err != nil {
		w.violated("it does not start: %v", err)
		return
	}
	w.s = s
	w.note("start: %s", s.e.Durability())
	if rec := s.e.store.State(); rec.Start.TokenStart >= rec.Header.TokenCeiling+durability.TokenLeapOlder {
		w.leapt = rec.Start.Number
	}
	if from := s.e.store.State().From; from != "" {
		w.barred, w.forced = w.asOf[from], maps.Clone(w.asOf[from])
	}
	w.admin = s.dial(0)
	w.admin.send("AUTH " + modelAdminToken + "\n")
	for _, c := range w.clients {
		c.connect()
	}
}

// tap checks tokens as they are given.
func (w *modelWorld) tap(e *table.Event) {
	lock, token := string(e.Name), uint64(e.Token)
	w.note("event %d %s %s token %d count %d", e.Kind, lock, e.Service, token, e.Count)
	switch e.Kind {
	case table.EventGrant, table.EventRetoken:
		if token <= w.largest[lock] {
			w.violated("%s: token %d was given after %d", lock, token, w.largest[lock])
		}
		w.largest[lock] = token
		w.known[lock] = token
	case table.EventClaim:
		if token <= w.known[lock] {
			w.violated("%s: token %d is believed, though this start knew %d", lock, token, w.known[lock])
		}
		if w.barred[holdID{lock, token}] {
			w.violated("%s: token %d is believed, though its hold was forced before the image", lock, token)
		}
		w.known[lock] = token
	case table.EventForce:
		w.forced[holdID{lock, token}] = true
		w.did["forced"]++
		for _, c := range w.clients {
			if h := c.Holds[lock]; h != nil && c.Service == string(e.Service) {
				h.Forced = true
			}
		}
	}
}

func (w *modelWorld) violated(format string, args ...any) {
	w.violations = append(w.violations, fmt.Sprintf("at %v: ", time.Duration(w.now))+fmt.Sprintf(format, args...))
}

// note keeps a line for the reader of a violation.
func (w *modelWorld) note(format string, args ...any) {
	w.trace = append(w.trace, fmt.Sprintf("%v: ", time.Duration(w.now))+fmt.Sprintf(format, args...))
}

// pass lets time go by, for the server too unless it is down.
func (w *modelWorld) pass(d time.Duration, down bool) {
	for d > 0 {
		step := min(d, clock.StepMax)
		w.now += int64(step)
		d -= step
		if !down {
			w.s.advance(step)
			for _, c := range w.clients {
				c.read()
			}
		}
		w.checkExclusion()
	}
}

// checkExclusion checks that at most one client relies on a lock.
func (w *modelWorld) checkExclusion() {
	for i := range modelLocks {
		lock, holder := modelLock(i), ""
		for _, c := range w.clients {
			if c.Relies(lock) {
				if holder != "" {
					w.violated("%s: %s and %s rely on it", lock, holder, c.Service)
				}
				holder = c.Service
			}
		}
	}
}

func modelLock(i int) string { return fmt.Sprintf("lock-%d", i) }

// image writes an image and remembers the holds that were forced by then.
func (w *modelWorld) image() {
	w.note("image")
	w.s.image()
	state, _ := w.s.e.store.Images()
	w.remember(state.Path)
}

func (w *modelWorld) remember(path string) {
	w.asOf[filepath.Base(path)] = maps.Clone(w.forced)
}

// step does a random thing.
func (w *modelWorld) step() {
	switch n := w.rng.IntN(100); {
	case n < 30:
		w.pass(time.Duration(1+w.rng.IntN(300))*time.Millisecond, false)
	case n < 84:
		w.clients[w.rng.IntN(len(w.clients))].act()
	case n < 86:
		w.admin.send("FORCE-RELEASE " + modelLock(w.rng.IntN(modelLocks)) + "\n")
	case n < 95:
		w.image()
	default:
		w.restart()
	}
	if len(w.violations) > 0 {
		return
	}
	for _, c := range w.clients {
		c.read()
	}
	w.checkExclusion()
}

// restart ends the server and starts it again, in random variants.
func (w *modelWorld) restart() {
	for _, c := range w.clients {
		c.disconnect()
	}
	var change func(*Config)
	names, err := snapshot.Images(w.dir)
	if err != nil {
		w.t.Fatal(err)
	}
	switch n := w.rng.IntN(10); {
	case n < 3:
		w.did["clean stop"]++
		w.s.cleanStop()
		state, _ := w.s.e.store.Images()
		w.remember(state.Path)
	case n < 4 && len(names) > 1:
		w.did["older image"]++
		w.s.crash()
		damageNewest(w.t, w.dir)
		change = func(c *Config) { c.RecoverOlder = true }
	case n < 5 && len(w.copies(names)) > 0:
		w.did["copied image"]++
		w.s.crash()
		names = w.copies(names)
		w.copyImage(names[w.rng.IntN(len(names))])
	case n < 6 && len(w.copies(names[:min(1, len(names))])) > 0:
		w.did["promotion"]++
		w.promote()
		return
	default:
		w.did["crash"]++
		w.s.crash()
	}
	w.otherSettings()
	w.pass(time.Duration(w.rng.IntN(400))*time.Millisecond, true)
	w.start(change)
}

// copies returns the images that may begin another directory. Old ones are included, but none from
// before tokens have leapt ahead. If the clock is set back, only the newest of the present start
// is. The other images do not show how far tokens are.
func (w *modelWorld) copies(names []string) []string {
	since := w.leapt
	if !w.honest {
		since = w.s.e.store.State().Start.Number
		names = names[:min(1, len(names))]
	}
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool { return name < snapshot.FileName(since, 0) })
}

// otherSettings changes the settings of the next start, and its wall clock.
func (w *modelWorld) otherSettings() {
	if w.rng.IntN(4) == 0 {
		w.grace = []time.Duration{time.Second, 1500 * time.Millisecond, 3 * time.Second}[w.rng.IntN(3)]
		w.did["changed grace"]++
	}
	if !w.honest && w.rng.IntN(4) == 0 {
		w.setBack += time.Duration(w.rng.IntN(100)) * time.Hour
		w.did["clock set back"]++
	}
}

// copyImage begins a directory with nothing but an image from another one.
func (w *modelWorld) copyImage(name string) {
	bytes, err := os.ReadFile(filepath.Join(w.dir, name))
	if err == nil {
		w.newDir()
		err = os.MkdirAll(w.dir, 0o700)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(w.dir, name), bytes, 0o600)
	}
	if err != nil {
		w.t.Fatal(err)
	}
}

// promote lets a backup follow and promotes it, when the primary is dead.
func (w *modelWorld) promote() {
	w.s.crash()
	primary := w.dir
	w.newDir()
	w.pass(time.Duration(w.rng.IntN(400))*time.Millisecond, true)
	w.start(func(c *Config) { c.BackupOf = primary + "/" })
	if len(w.violations) > 0 {
		return
	}
	w.s.mustFollow()
	w.s.mustPromote()
	rec := w.s.e.store.State()
	w.barred, w.forced, w.leapt = w.asOf[rec.From], maps.Clone(w.asOf[rec.From]), rec.Start.Number
}

// graceRuns reports whether the server is in a recovery grace.
func (w *modelWorld) graceRuns() bool {
	return w.s.e.store.State().GraceLeft(w.s.e.clock.Now()) > 0
}

// finish lets everything end and checks that all locks are free.
func (w *modelWorld) finish() {
	for _, c := range w.clients {
		c.disconnect()
		clear(c.Holds)
	}
	w.pass(2*w.grace+4*time.Second, false)
	for i := range modelLocks {
		if !w.s.free(modelLock(i)) {
			w.violated("%s is not free at the end", modelLock(i))
		}
	}
	w.s.crash()
}
