package durability

import (
	"crypto/tls"
	"log/slog"
	"time"

	"dlm/codec"
	"dlm/table"
)

// Config has the settings of a Store. engine.Config documents and checks those of the same names.
type Config struct {
	DataDir          string // empty: memory only
	SnapshotInterval time.Duration
	SnapshotKeep     int
	RecoveryGrace    time.Duration
	RecoverOlder     bool
	BackupOf         string // empty: no backup
	BackupToken      string
	BackupTLS        func() *tls.Config
	FindAdmin        func(addr string) string
	TokenFloor       codec.Token
	Table            table.Config // of each table; Seed and TokenStart are the Store's
	Log              *slog.Logger

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

// graceMs returns the setting of the grace, which is the longest TTL too.
func (c *Config) graceMs() uint32 { return uint32(c.RecoveryGrace.Milliseconds()) }
