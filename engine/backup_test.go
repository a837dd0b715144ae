package engine

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"dlm/codec"
	"dlm/engine/durability"
	"dlm/engine/snapshot"
	"dlm/internal/testflag"
)

// newBackup starts a backup of the primary's directory.
func newBackup(t *testing.T, primary, dir string) *sim {
	t.Helper()
	return mustStart(t, dir, func(c *Config) { c.BackupOf = primary + "/" })
}

// follow lets the backup ask its primary once.
func (s *sim) follow() error { return s.e.store.FollowOnce(s.t.Context()) }

func (s *sim) mustFollow() {
	s.t.Helper()
	if err := s.follow(); err != nil {
		s.t.Fatal(err)
	}
}

// promote makes the backup the primary. The sim has no goroutine that writes images.
func (s *sim) promote() (string, error) { return s.promoteWithin(testflag.Patience) }

// promoteWithin is promote for a primary that may not answer.
func (s *sim) promoteWithin(wait time.Duration) (string, error) {
	return s.e.Promote(s.t.Context(), durability.PromoteRequest{Wait: wait})
}

func (s *sim) mustPromote() {
	s.t.Helper()
	if _, err := s.promote(); err != nil {
		s.t.Fatal(err)
	}
}

func TestBackup(t *testing.T) {
	one, two := t.TempDir(), t.TempDir()
	p := mustStart(t, one, nil)
	b := newBackup(t, one, two)
	for _, line := range []string{"STATUS a", "LOCKS"} {
		b.want(line, `ERROR READONLY "" this server is a backup that has no image yet`)
	}
	warns := func() (codes []string) {
		for _, w := range b.e.Warnings() {
			codes = append(codes, w.Code)
		}
		return codes
	}
	if got := warns(); !slices.Equal(got, []string{"backup_empty"}) {
		t.Errorf("warnings before the first image: %v", got)
	}
	b.mustFollow()
	if _, err := b.promote(); err == nil || !strings.Contains(err.Error(), "no image yet") {
		t.Errorf("promoted without an image: %v", err)
	}
	token := tokenOf(t, p.ask("ACQUIRE a svc-1 0"))
	p.image()
	b.mustFollow()
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
	b.mustFollow()
	if h := b.e.store.State().Header; h.Start != 2 || !h.Grace {
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
	if _, err := b.promoteWithin(500 * time.Millisecond); err == nil || !strings.Contains(err.Error(), "has not confirmed") {
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

// TestPromotionAfterCleanStop takes the last image over as it is.
func TestPromotionAfterCleanStop(t *testing.T) {
	one, two := t.TempDir(), t.TempDir()
	p := mustStart(t, one, nil)
	p.image()
	b := newBackup(t, one, two)
	b.mustFollow()
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

// TestBatchStaysWithItsTable promotes a backup after a batch was hashed for the table of the
// backup. The batch is refused, because the hashes of the new table are others.
func TestBatchStaysWithItsTable(t *testing.T) {
	one, two := t.TempDir(), t.TempDir()
	p := mustStart(t, one, nil)
	p.image()
	b := newBackup(t, one, two)
	b.mustFollow()
	r, c := b.e.reactors[0], b.e.reactors[0].open(&sink{})
	in := []byte("ACQUIRE a svc-1 0\n")
	r.decode(c, in, codec.BatchMax)
	r.prepare(c, in, 1)
	backup := r.served
	p.cleanStop()
	b.mustPromote()
	if r.served != backup || r.mayAll(c) {
		t.Error("a batch of the backup may be executed on the table of the primary")
	}
	r.beginReply(c)
	r.executeOne(c, 0)
	r.endReply(c)
	if !strings.HasPrefix(string(c.out), "ERROR READONLY") || b.e.tab().Totals().Held != 0 {
		t.Errorf("answered %q, %d locks are held", c.out, b.e.tab().Totals().Held)
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
	b.mustFollow()
	has := b.e.store.State().From
	try := func(name string, bytes []byte, want string) {
		t.Helper()
		path := filepath.Join(one, name)
		writeFile(t, path, bytes)
		if err := b.follow(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q, got %v", want, err)
		}
		if now := b.e.store.State().From; now != has {
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
	sound := readFile(t, filepath.Join(one, has))
	later := snapshot.FileName(1, 99)
	try(later, sound, "not newer")
	p.image()
	newer, _ := p.e.store.Images()
	damaged := readFile(t, newer.Path)
	if err := os.Remove(newer.Path); err != nil {
		t.Fatal(err)
	}
	damaged[len(damaged)-100] ^= 1
	try(later, damaged, "at byte")
	try(later, sound[:9000], "ends within the header")
	other := mustStart(t, t.TempDir(), nil)
	other.image()
	other.image()
	state, _ := other.e.store.Images()
	foreign := readFile(t, state.Path)
	try(later, foreign, "another table")
	for _, s := range []*sim{p, b, other} {
		s.crash()
	}
}

// TestStepDownWithoutImages: who has nothing to hand over goes on.
func TestStepDownWithoutImages(t *testing.T) {
	s := newSim(t, nil)
	if _, err := s.e.StepDown(context.Background(), ""); err == nil {
		t.Error("a server without images was deposed")
	}
	if _, err := s.e.Promote(context.Background(), durability.PromoteRequest{OldIsDead: true}); err == nil {
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
	start.State = snapshot.Following
	if err := snapshot.WriteStart(one, &start); err != nil {
		t.Fatal(err)
	}
	if err := b.follow(); err == nil || !strings.Contains(err.Error(), "directory of a backup") {
		t.Errorf("follows a backup: %v", err)
	}
	b.crash()
	p.crash()
}

// TestBackupWithoutImageSaysSo once in the log.
func TestBackupWithoutImageSaysSo(t *testing.T) {
	one := t.TempDir()
	p := mustStart(t, one, nil)
	b := newBackup(t, one, t.TempDir())
	for range 3 {
		b.mustFollow()
	}
	if n := strings.Count(b.log.String(), "has no image yet"); n != 1 {
		t.Errorf("told %d times: %s", n, b.log.String())
	}
	b.crash()
	p.crash()
}
