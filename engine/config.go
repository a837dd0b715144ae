package engine

import (
	"cmp"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"runtime"
	"time"

	"dlm/codec"
	"dlm/engine/audit"
	"dlm/engine/auth"
	"dlm/engine/clock"
	"dlm/engine/durability"
	"dlm/table"
)

// Config has the settings of a server. The zero value of a field means its default, which
// EnsureDefaults fills in.
type Config struct {
	// Listen is the TCP address to serve on, host:port, or unix:PATH for a Unix socket, or
	// ListenOff. Default localhost:7420, which is 127.0.0.1 and ::1. Port 0 takes a free port,
	// which Engine.Addr returns.
	Listen string
	// ProxyFrom are the networks of proxies. A connection from there must begin with a PROXY header
	// of version 2. Default: none, and a connection with such a header is closed.
	ProxyFrom []netip.Prefix
	// Advertise is the address, host:port, under which clients find this server. A backup tells its
	// clients that of its primary. Default: the address of Listen. If that is every address, the
	// backup puts the host in that it fetches images from.
	Advertise string
	// TLSListen is the TCP address to serve over TLS. Default: empty, none.
	TLSListen string
	// TLS has the settings of TLSListen; its protocols are those of ALPN. Records must have their
	// full size (DynamicRecordSizingDisabled), because each is one write.
	TLS *tls.Config
	// TLSConnsMax is the most connections over TLS, of those of ConnsMax. Default 5,000, because
	// each takes some 12 KB more than a plain one.
	TLSConnsMax int
	// Loops is the number of event loops, 1 to 256. Default: GOMAXPROCS.
	Loops int
	// Lease is the length of a hold whose ACQUIRE gave no TTL.
	// Default 30 s; 100 ms to 24 h, whole milliseconds.
	Lease time.Duration

	// ConnsMax is the most open connections. Default 10,000. If the file limit of the process is
	// too low for it, it is lowered, with a warning in the log.
	ConnsMax int
	// ConnsPerAddressMax is the most open connections of one address, or of a /64 of
	// IPv6. Default 0: 1,000, and no bound for addresses of this machine.
	ConnsPerAddressMax int
	// NewConnsPerAddressMax is how many connections a second an address may open after it has
	// opened as many as it may have. Default 0: 200, and no bound for addresses of this machine.
	NewConnsPerAddressMax int
	// LocksMax is the most held locks. Default 10,000,000.
	LocksMax int
	// WaitersMax is the most waiting requests. Default 1,000,000.
	WaitersMax int
	// WaitersPerLockMax is the most waiting requests on one lock. Default 100,000.
	WaitersPerLockMax int
	// RequestsMax is the most ACQUIREs and RELEASEs with REQ that are remembered. Default
	// 1,000,000.
	RequestsMax int
	// ReconnectGrace is how long a waiting request with REQ keeps its place when its connection
	// ends. Default 5 s; 1 ms to 10 min.
	ReconnectGrace time.Duration
	// PendingMax is the most bytes of commands kept after a waiting one, per connection. Default 1
	// MiB.
	PendingMax int
	// UnreadMax is the most bytes of unread replies per connection, including the notes about
	// grants in them. Beyond it no command is executed until half of them has been read. Default 32
	// MiB.
	UnreadMax int
	// BufferedMax is the most bytes in all connection buffers together. Beyond it the connection
	// with the largest is closed. Default 256 MiB.
	BufferedMax int64
	// MemoryMax is the resident memory of the process, in bytes, from which on the table takes no
	// more. New locks and waiting requests must then fit into the memory that it has. At least 32
	// MiB. Default 0: no limit but the counts above.
	MemoryMax int64
	// PartialMax is how long a command may be partial. Default 10 s.
	PartialMax time.Duration
	// AuthWait is how long a connection may stay unauthenticated when
	// credentials are configured. Default 5 s.
	AuthWait time.Duration
	// IdleMax is how long a connection may send nothing while it waits for nothing. Default 0: for
	// ever.
	IdleMax time.Duration
	// StopWait is how long a stop may take in all, with the last image. Serve does not enforce it:
	// see Engine.StopsAt. Default 25 s, less than the 30 s after which Kubernetes kills, and enough
	// for an image of 10 million locks on a disk that takes 50 MB/s.
	StopWait time.Duration

	// Settings are those of images, recovery and backups.
	durability.Settings

	// Credentials are the known tokens. If there is any, every connection must authenticate.
	Credentials []auth.Credential
	// AdminToken, if not nil, is the SHA-256 of one token with the admin role. All other commands
	// stay open to everybody.
	AdminToken *[32]byte
	// AdminName names AdminToken in logs. Default DLM_ADMIN_TOKEN.
	AdminName string
	// InsecureNoAuth permits a non-loopback address without credentials.
	InsecureNoAuth bool

	// Version is the version in INFO and HELLO. Default "dev".
	Version string
	// Revision is the commit of the binary, in metrics. Default "unknown".
	Revision string
	// Log receives the server's few log lines. Default: slog.Default(). Loops log too, so a handler
	// that waits for the reader of the log stops them.
	Log *slog.Logger
	// LogWaitsOver is the wait from which on its end is logged, some of them a second. Default 0:
	// none is; at least 1 s, because the table notes no shorter one.
	LogWaitsOver time.Duration
	// Audit records what admins do. The caller starts and closes it. Default: an audit in Log,
	// which Serve starts and closes.
	Audit *audit.Log
	// LogDropped, if not nil, returns how many records of Log were not written, for INFO.
	LogDropped func() uint64
	// Certificates, if not nil, returns what is known of the certificates of TLS, for INFO.
	Certificates func() Certificates
	// Crash, if not nil, writes out the log and ends the process after a bug that leaves the state
	// of the table unknown. If it is nil, the panic goes on.
	Crash func()
	// Tap, if not nil, is called for every change of a lock, with the mutex of its shard held. It
	// is for tests; servers leave it nil.
	Tap func(*table.Event)

	wall func() time.Time // the wall clock; tests set it back
}

// EnsureDefaults replaces zero values by their defaults.
func (c *Config) EnsureDefaults() {
	setDefault(&c.Listen, "localhost:7420")
	setDefault(&c.Loops, min(runtime.GOMAXPROCS(0), loopsMax))
	setDefault(&c.Lease, 30*time.Second)
	setDefault(&c.ConnsMax, 10_000)
	setDefault(&c.TLSConnsMax, 5_000)
	setDefault(&c.LocksMax, 10_000_000)
	setDefault(&c.WaitersMax, 1_000_000)
	setDefault(&c.WaitersPerLockMax, 100_000)
	setDefault(&c.RequestsMax, 1_000_000)
	setDefault(&c.ReconnectGrace, 5*time.Second)
	setDefault(&c.PendingMax, 1<<20)
	setDefault(&c.UnreadMax, 32<<20)
	setDefault(&c.BufferedMax, 256<<20)
	setDefault(&c.PartialMax, 10*time.Second)
	setDefault(&c.AuthWait, 5*time.Second)
	setDefault(&c.StopWait, 25*time.Second)
	setDefault(&c.SnapshotInterval, 5*time.Second)
	setDefault(&c.SnapshotKeep, 3)
	setDefault(&c.RecoveryGrace, 30*time.Second)
	setDefault(&c.AdminName, "DLM_ADMIN_TOKEN")
	setDefault(&c.Version, "dev")
	setDefault(&c.Revision, "unknown")
	if c.Log == nil {
		c.Log = slog.Default()
	}
}

func setDefault[T comparable](field *T, value T) { *field = cmp.Or(*field, value) }

// Validate returns all problems of the configuration, joined.
func (c *Config) Validate() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }

	switch _, port, err := net.SplitHostPort(c.Advertise); {
	case c.Advertise == "":
	case err != nil || port == "":
		bad("advertise: %q is not host:port", c.Advertise)
	case port == "0" || !IsPort(port):
		bad("advertise: %q has no port from 1 to 65535, at which clients find this server", c.Advertise)
	}
	errs = append(errs, c.validatePorts()...)
	if ms := c.Lease.Milliseconds(); ms < codec.TTLMinMs || ms > codec.TTLMaxMs || c.Lease%time.Millisecond != 0 {
		bad("lease: %v is not within 100ms to 24h in whole milliseconds", c.Lease)
	}
	errs = append(errs, c.validateDurability()...)
	for _, n := range []struct {
		name string
		n    int64
		max  int64
	}{
		{"loops", int64(c.Loops), loopsMax},
		{"max-conns", int64(c.ConnsMax), connsMaxMax},
		{"tls-max-conns", int64(c.TLSConnsMax), connsMaxMax},
		{"max-locks", int64(c.LocksMax), table.LocksMaxMax},
		{"max-waiters", int64(c.WaitersMax), table.WaitersMaxMax},
		{"max-waiters-per-lock", int64(c.WaitersPerLockMax), table.WaitersMaxMax},
		{"max-retries", int64(c.RequestsMax), table.RequestsMaxMax},
		{"max-pending", int64(c.PendingMax), bytesMaxMax},
		{"max-unread", int64(c.UnreadMax), bytesMaxMax},
		{"max-buffered", c.BufferedMax, 1 << 50},
		{"snapshot-keep", int64(c.SnapshotKeep), 1000},
	} {
		if n.n < 1 || n.n > n.max {
			bad("%s: %d is not within 1 to %d", n.name, n.n, n.max)
		}
	}
	if c.ReconnectGrace < time.Millisecond || c.ReconnectGrace > 10*time.Minute {
		bad("reconnect-grace: %v is not within 1ms to 10m", c.ReconnectGrace)
	}
	if c.TokenFloor > durability.TokenFloorMax {
		bad("token-floor: %d is not within 0 to %d", uint64(c.TokenFloor), uint64(durability.TokenFloorMax))
	}
	if n := c.ConnsPerAddressMax; n < 0 || n > connsMaxMax {
		bad("max-conns-per-address: %d is not within 1 to %d", n, connsMaxMax)
	}
	if n := c.NewConnsPerAddressMax; n < 0 || n > connsMaxMax {
		bad("max-new-conns-per-address: %d is not within 1 to %d", n, connsMaxMax)
	}
	if c.MemoryMax != 0 && c.MemoryMax < MemoryMin {
		bad("max-memory: %d is less than 32 MiB, which the server itself needs", c.MemoryMax)
	}
	if c.LogWaitsOver != 0 && c.LogWaitsOver < table.SlowWait {
		bad("log-waits-over: %v is less than 1s", c.LogWaitsOver)
	}
	for _, d := range []struct {
		name string
		d    time.Duration
	}{{"partial-timeout", c.PartialMax}, {"auth-timeout", c.AuthWait}, {"idle-timeout", c.IdleMax}, {"stop-timeout", c.StopWait}} {
		if d.d < 0 {
			bad("%s: %v is negative", d.name, d.d)
		}
	}
	return errors.Join(append(errs, auth.Validate(c.Credentials)...)...)
}

func (c *Config) validateDurability() (errs []error) {
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if c.SnapshotInterval < 100*time.Millisecond || c.SnapshotInterval > time.Hour {
		bad("snapshot-interval: %v is not within 100ms to 1h", c.SnapshotInterval)
	}
	if c.RecoveryGrace < time.Second || c.RecoveryGrace > 24*time.Hour || c.RecoveryGrace%time.Millisecond != 0 {
		bad("recovery-grace: %v is not within 1s to 24h in whole milliseconds", c.RecoveryGrace)
	}
	if c.DataDir != "" && c.Lease > c.RecoveryGrace {
		bad("lease: %v is longer than the recovery grace of %v: after a restart a holder could be forgotten that still relies on it: make it shorter, or give a longer --recovery-grace", c.Lease, c.RecoveryGrace)
	}
	if c.DataDir == "" && c.BackupOf != "" {
		bad("backup-of: a backup needs a --data-dir for its images")
	}
	if c.BackupOf != "" && c.RecoverOlder {
		bad("recover: a backup fetches its images again: remove one that is damaged")
	}
	if c.DataDir == "" && c.RecoverOlder {
		bad("recover: there is nothing to recover without --data-dir")
	}
	return errs
}

// durability returns the settings that the durability needs.
func (c *Config) durability() durability.Config {
	return durability.Config{
		Settings: c.Settings,
		Table: table.Config{
			Shared:            c.Loops > 1,
			TTLMs:             uint32(c.Lease.Milliseconds()),
			LocksMax:          c.LocksMax,
			WaitersMax:        c.WaitersMax,
			WaitersPerLockMax: c.WaitersPerLockMax,
			RequestsMax:       c.RequestsMax,
			Tap:               c.Tap,
		},
		Log: c.Log, Wall: c.now, WithExtraProc: withExtraProc,
	}
}

// isLoopback reports whether an address with this host can be reached from this
// machine only. An empty host is every address.
func isLoopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

// now returns the wall-clock time.
func (c *Config) now() time.Time {
	if c.wall != nil {
		return c.wall()
	}
	return clock.Wall()
}
