package durability

import (
	"crypto/rand"
	"crypto/tls"
	"encoding/binary"
	"log/slog"
	"time"

	"dlm/codec"
	"dlm/table"
)

// Settings are what an operator chooses. engine.Config has them, with their defaults and checks.
type Settings struct {
	// DataDir is the directory for images of the table, so that holds survive a restart. Default:
	// empty, memory only.
	DataDir string
	// SnapshotInterval is the time between images. Default 5 s; 100 ms to 1 h.
	SnapshotInterval time.Duration
	// SnapshotKeep is how many images are kept. Default 3; 1 to 1,000.
	SnapshotKeep int
	// RecoveryGrace is how long a start from an image grants nothing, so that holders can show
	// their tokens. With a DataDir no lease may be longer. Default 30 s; 1 s to 24 h.
	RecoveryGrace time.Duration
	// BackupOf makes the server a backup. It follows the primary with that HTTP address, or that
	// data directory if there is a slash in it, and only answers reads until it is promoted. It
	// needs a DataDir.
	BackupOf string
	// BackupTLS, if not nil, returns the settings with which a backup asks a primary whose address
	// is https://. Default: nil, those of the system. If they have a certificate, it takes the
	// place of the admin's token in a promotion.
	BackupTLS func() *tls.Config
	// BackupToken is the token that a backup shows to its primary: role backup or admin.
	BackupToken string
	// FindAdmin, if not nil, returns the admin token of a server without tokens that the same user
	// runs at an HTTP address, host:port, or "" if none is known. A backup that is promoted shows
	// it to its primary.
	FindAdmin func(addr string) string
	// RecoverOlder starts from the newest sound image, and sets damaged ones aside. It does nothing
	// while the newest is sound.
	RecoverOlder bool
	// TokenFloor is a lower bound of the fencing tokens of this start, in addition to the bounds of
	// the DataDir. Default 0: the wall clock and the DataDir decide.
	TokenFloor codec.Token
}

// Config is what a Store needs.
type Config struct {
	Settings
	Table table.Config // of each table; TokenStart is the Store's, and Seed if it is 0
	Log   *slog.Logger

	// Wall returns the wall-clock time.
	Wall func() time.Time
	// WithExtraProc does work that takes long while event loops serve.
	WithExtraProc func(work func())
}

// newTable returns a table with the limits of the settings.
func (c *Config) newTable(seed uint64, tokenStart codec.Token) *table.Table {
	of := c.Table
	of.Seed, of.TokenStart = seed, tokenStart
	return table.New(of)
}

// hashSeed returns the seed of a table that has none yet. It is secret, so that nobody can choose
// names that meet in one place, unless a simulation wants each of its runs to be the same.
func (c *Config) hashSeed() uint64 {
	if c.Table.Seed != 0 {
		return c.Table.Seed
	}
	var b [8]byte
	rand.Read(b[:]) // never fails (crypto/rand)
	return binary.LittleEndian.Uint64(b[:])
}

// graceMs returns the setting of the grace, which is the longest TTL too.
func (c *Config) graceMs() uint32 { return uint32(c.RecoveryGrace.Milliseconds()) }
