package engine

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"dlm/engine/snapshot"
)

// newBackup starts a backup of the primary's directory.
func newBackup(t *testing.T, primary, dir string) *sim {
	t.Helper()
	return mustStart(t, dir, func(c *Config) { c.BackupOf = primary + "/" })
}

// follow lets the backup ask its primary once.
func (s *sim) follow() error { return s.e.follower.Load().step(s.t.Context()) }

// promoteWaitInTests is long enough for a primary that answers, and for a few tries more.
const promoteWaitInTests = 500 * time.Millisecond

// promote is Engine.Promote without the goroutine of the follower.
func (s *sim) promote() (string, error) {
	f := s.e.follower.Load()
	f.stopped = make(chan struct{})
	close(f.stopped)
	f.stop = func() {}
	line, err := s.e.Promote(s.t.Context(), PromoteRequest{Wait: promoteWaitInTests})
	if err == nil {
		s.e.stopRun() // the imager: images are written when the test says so
		s.e.running.Wait()
	}
	return line, err
}

func TestBackup(t *testing.T) {
	one, two := t.TempDir(), t.TempDir()
	p := mustStart(t, one, nil)
	b := newBackup(t, one, two)
	for _, line := range []string{"STATUS a", "LOCKS"} {
		b.want(line, "ERROR READONLY this server is a backup that has no image yet")
	}
	if err := b.follow(); err != nil {
		t.Fatal(err)
	}
	if _, err := b.promote(); err == nil || !strings.Contains(err.Error(), "no image yet") {
		t.Errorf("promoted without an image: %v", err)
	}
	token := tokenOf(t, p.ask("ACQUIRE a svc-1 0"))
	p.image()
	if err := b.follow(); err != nil {
		t.Fatal(err)
	}
	b.want("STATUS a", fmt.Sprintf(`OK state=held mode=exclusive owner="svc-1" token=%d count=1 lease_ms=10000`, token))
	for _, line := range []string{"ACQUIRE a svc-1 0", "RELEASE a svc-1", "HEARTBEAT a svc-1"} {
		b.want(line, "ERROR READONLY")
	}
	if reasons := b.e.Unready(); len(reasons) != 1 || !strings.Contains(reasons[0], "a backup") {
		t.Errorf("ready: %q", reasons)
	}

	// A restart of the primary is no other table.
	p.crash()
	p = mustStart(t, one, nil)
	p.image()
	if err := b.follow(); err != nil {
		t.Fatal(err)
	}
	if h := b.e.served.Load().header; h.Start != 2 || !h.Grace {
		t.Errorf("follows %+v", h)
	}

	// Its own restart goes on with what it has; a primary's directory it refuses.
	b.crash()
	b = newBackup(t, one, two)
	b.want("STATUS a", "OK state=held")
	if _, err := newDurableSim(t, two, nil); err == nil || !strings.Contains(err.Error(), "in use") {
		t.Errorf("a second server on the directory: %v", err)
	}

	// The primary runs: it holds the lock of its directory.
	if _, err := b.promote(); err == nil || !strings.Contains(err.Error(), "has not confirmed") {
		t.Errorf("promoted beside a primary: %v", err)
	}
	p.crash()
	if line, err := b.promote(); err != nil || !strings.Contains(line, "grace until") {
		t.Fatalf("promotion: %q %v", line, err)
	}
	b.want("ACQUIRE b svc-2 0", "ERROR RECOVERING")
	b.want(fmt.Sprintf("HEARTBEAT a svc-1 TOKEN %d", token), "OK")
	b.image()
	if _, err := newDurableSim(t, one, nil); err == nil || !strings.Contains(err.Error(), "deposed") {
		t.Errorf("the old primary starts again: %v", err)
	}
	b.crash()
	b = mustStart(t, two, nil) // as a primary now
	b.want("STATUS a", "OK state=held")
	b.crash()
}

// TestPromotionAfterACleanStop takes the last image over as it is.
func TestPromotionAfterACleanStop(t *testing.T) {
	one, two := t.TempDir(), t.TempDir()
	p := mustStart(t, one, nil)
	p.image()
	b := newBackup(t, one, two)
	if err := b.follow(); err != nil {
		t.Fatal(err)
	}
	token := tokenOf(t, p.ask("ACQUIRE a svc-1 0"))
	p.cleanStop()
	if line, err := b.promote(); err != nil || !strings.Contains(line, "clean stop") {
		t.Fatalf("promotion: %q %v", line, err)
	}
	b.want("RELEASE a svc-1", fmt.Sprintf("OK token=%d count=0", token))
	if next := tokenOf(t, b.ask("ACQUIRE a svc-2 0")); next <= token {
		t.Errorf("token %d after %d", next, token)
	}
	b.crash()
}

// TestBackupRefuses what is damaged, older, or of another table, and keeps what it has.
func TestBackupRefuses(t *testing.T) {
	one, two := t.TempDir(), t.TempDir()
	p := mustStart(t, one, nil)
	p.want("ACQUIRE a svc-1 0", "OK")
	p.image()
	b := newBackup(t, one, two)
	if err := b.follow(); err != nil {
		t.Fatal(err)
	}
	has := b.e.served.Load().from
	try := func(name string, bytes []byte, want string) {
		t.Helper()
		path := filepath.Join(one, name)
		if err := os.WriteFile(path, bytes, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := b.follow(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q, got %v", want, err)
		}
		if now := b.e.served.Load().from; now != has {
			t.Errorf("serves %s now", now)
		}
		b.want("STATUS a", "OK state=held")
		if left, _ := filepath.Glob(filepath.Join(two, "*.partial")); len(left) > 0 {
			t.Errorf("left: %v", left)
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
	sound, err := os.ReadFile(filepath.Join(one, has))
	if err != nil {
		t.Fatal(err)
	}
	later := snapshot.FileName(1, 99)
	try(later, sound, "not newer")
	p.image()
	newer, _ := p.e.ImageState()
	damaged, err := os.ReadFile(newer.Path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(newer.Path); err != nil {
		t.Fatal(err)
	}
	damaged[len(damaged)-100] ^= 1
	try(later, damaged, "at byte")
	try(later, sound[:9000], "ends within the header")
	other := mustStart(t, t.TempDir(), nil)
	other.image()
	other.image()
	state, _ := other.e.ImageState()
	foreign, err := os.ReadFile(state.Path)
	if err != nil {
		t.Fatal(err)
	}
	try(later, foreign, "another table")
	for _, s := range []*sim{p, b, other} {
		s.crash()
	}
}

// TestDeposeWithoutImages: who has nothing to hand over goes on.
func TestDeposeWithoutImages(t *testing.T) {
	s := newSim(t, nil)
	if _, err := s.e.Depose(context.Background(), ""); err == nil {
		t.Error("a server without images was deposed")
	}
	if _, err := s.e.Promote(context.Background(), PromoteRequest{OldIsDead: true}); err == nil {
		t.Error("a server that follows nobody was promoted")
	}
}

// TestBackupOfWhatIsNoPrimary is refused at the start where that is known then, and told where not.
func TestBackupOfWhatIsNoPrimary(t *testing.T) {
	one, two := t.TempDir(), t.TempDir()
	p, b := mustStart(t, one, nil), newBackup(t, one, two)
	refused := func(primary, dir, want string) {
		t.Helper()
		s, err := newDurableSim(t, dir, func(c *Config) { c.BackupOf = primary + "/" })
		if err == nil {
			s.crash()
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q, got %v", want, err)
		}
	}
	refused(two, t.TempDir(), "is the directory of a backup")
	own := t.TempDir()
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(own, link); err != nil {
		t.Fatal(err)
	}
	refused(own, own, "own --data-dir")
	refused(link, own, "own --data-dir")

	for _, primary := range []string{t.TempDir(), filepath.Join(t.TempDir(), "later")} {
		s := newBackup(t, primary, t.TempDir())
		if err := s.follow(); err == nil || !strings.Contains(err.Error(), "no data directory") {
			t.Errorf("%s: %v", primary, err)
		}
		s.crash()
	}

	// While it runs: the directory of a primary becomes that of another backup.
	start, err := snapshot.ReadStart(one)
	if err != nil {
		t.Fatal(err)
	}
	start.Role = snapshot.Following
	if err := snapshot.WriteStart(one, &start); err != nil {
		t.Fatal(err)
	}
	if err := b.follow(); err == nil || !strings.Contains(err.Error(), "directory of a backup") {
		t.Errorf("follows a backup: %v", err)
	}
	b.crash()
	p.crash()
}

// TestABackupWithoutAnImageSaysSo once in the log.
func TestABackupWithoutAnImageSaysSo(t *testing.T) {
	one := t.TempDir()
	p := mustStart(t, one, nil)
	b := newBackup(t, one, t.TempDir())
	for range 3 {
		if err := b.follow(); err != nil {
			t.Fatal(err)
		}
	}
	if n := strings.Count(b.log.String(), "has no image yet"); n != 1 {
		t.Errorf("told %d times: %s", n, b.log.String())
	}
	b.crash()
	p.crash()
}

// TestOnlyOneBackupTakesOver, and that one may try again.
func TestOnlyOneBackupTakesOver(t *testing.T) {
	one := t.TempDir()
	p := mustStart(t, one, nil)
	p.image()
	b, other := newBackup(t, one, t.TempDir()), newBackup(t, one, t.TempDir())
	for _, s := range []*sim{b, other} {
		if err := s.follow(); err != nil {
			t.Fatal(err)
		}
	}
	p.cleanStop()
	again := b.e.follower.Load().source
	if _, err := b.promote(); err != nil {
		t.Fatal(err)
	}
	if _, err := other.promote(); err == nil || !strings.Contains(err.Error(), "another backup has taken over") {
		t.Errorf("two backups were promoted: %v", err)
	}
	if _, err := again.depose(t.Context(), ""); err != nil {
		t.Errorf("the one that took over asks again: %v", err)
	}
	b.crash()
	other.crash()
}

// TestDeposeIsForOneBackup: by HTTP, too, while the old primary lingers.
func TestDeposeIsForOneBackup(t *testing.T) {
	p := mustStart(t, t.TempDir(), nil)
	go func() { // Serve, in short
		<-p.e.deposed
		p.e.endErr = p.e.keepLast()
		close(p.e.ended)
	}()
	mine, other := snapshot.Lineage{1}, snapshot.Lineage{2}
	last, err := p.e.Depose(t.Context(), mine.String())
	if err != nil || !snapshot.IsName(last) {
		t.Fatalf("%q %v", last, err)
	}
	if _, err := p.e.Depose(t.Context(), other.String()); err == nil || !strings.Contains(err.Error(), "another backup") {
		t.Errorf("confirmed to a second backup: %v", err)
	}
	if again, err := p.e.Depose(t.Context(), mine.String()); err != nil || again != last {
		t.Errorf("asked again: %q %v", again, err)
	}
	if start, err := snapshot.ReadStart(p.e.cfg.DataDir); err != nil || start.Role != snapshot.Deposed || start.Taker != mine {
		t.Errorf("%+v %v", start, err)
	}
}

// TestAStopEndsAPromotion that waits for a primary which does not answer.
func TestAStopEndsAPromotion(t *testing.T) {
	asked, release := make(chan struct{}), make(chan struct{})
	silent := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		close(asked)
		<-release
	}))
	defer silent.Close()
	defer close(release)
	one := t.TempDir()
	p := mustStart(t, one, nil)
	p.image()
	b := newBackup(t, one, t.TempDir())
	if err := b.follow(); err != nil {
		t.Fatal(err)
	}
	b.e.follower.Load().source = newSource(&Config{BackupOf: silent.URL}, snapshot.Lineage{})
	go func() {
		<-asked
		b.e.stopRun()
	}()
	if _, err := b.promote(); err == nil || !strings.Contains(err.Error(), "it stops nevertheless") {
		t.Errorf("promoted: %v", err)
	}
	p.crash()
	b.crash()
}
