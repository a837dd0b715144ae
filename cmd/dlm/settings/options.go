package settings

import (
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"dlm/cmd/dlm/certs"
	"dlm/engine"
)

// Off is the address of an HTTP side that is not wanted.
const Off = "off"

// Server is everything that `dlm server` is told. New makes it, Load fills it, and nothing
// changes it after that.
type Server struct {
	Engine     engine.Config
	HTTP       string   // address of the HTTP side, or Off
	HTTPHosts  []string // names of this machine that browsers may ask for
	Health     string   // address that serves only the probes, or Off
	TokenFile  string   // empty: none
	AuditLog   string   // file; empty: the log
	CPUProfile string   // empty: none
	LogLevel   slog.Level
	LogFormat  string // "text", "json", or empty: text on a terminal, JSON elsewhere

	HTTPTLS       bool // the HTTP side is served over TLS
	InsecurePlain bool // images and promotion may cross a network without TLS
	TLSFiles      certs.Files
	Certs         *certs.Keeper // of TLSFiles; nil: none

	configFile string // empty: none
}

// New returns the default settings of a server of this version and commit on this machine.
func New(version, commit string) *Server {
	s := &Server{LogLevel: slog.LevelInfo, HTTP: "localhost:7421", Health: Off}
	s.Engine.EnsureDefaults()
	s.Engine.Version, s.Engine.Revision = version, commit
	s.Engine.MemoryMax = defaultMemoryMax("/")
	return s
}

// AddFlags adds a flag for each setting to fs, in the order of the help text. The present values
// of s are the defaults.
func (s *Server) AddFlags(fs *pflag.FlagSet) {
	f := &flags{fs}
	s.addServing(f)
	s.addDurability(f)
	s.addLimits(f)
	s.addTimeouts(f)
	s.addAccess(f)
	s.addTLS(f)
	s.addDiagnosis(f)
}

func (s *Server) addServing(f *flags) {
	c := &s.Engine
	f.text("config", "FILE", "TOML file with settings; its keys are the names of these flags", &s.configFile)
	f.text("listen", "ADDR", "address for lock clients, host:port; localhost means 127.0.0.1 and ::1, "+
		"port 0 any free port; unix:PATH for a Unix socket; or off", &c.Listen)
	f.add("proxy-from", "CIDR,...", "", "networks of proxies whose connections begin with a PROXY header of version 2, "+
		"which names the client", into(&c.ProxyFrom, parsePrefixes))
	f.text("advertise", "ADDR", "host:port under which clients find this server, for its backup to tell them; "+
		"by default that of --listen", &c.Advertise)
	f.text("http", "ADDR", "HTTP address for health, metrics, images and promotion, host:port, or off", &s.HTTP)
	f.add("http-host", "NAME,...", "", "names under which browsers may ask the HTTP address, besides localhost "+
		"and IP addresses", into(&s.HTTPHosts, parseHosts))
	f.text("health", "ADDR", "second HTTP address that serves only /livez and /readyz, for orchestrators on "+
		"other machines, or off", &s.Health)
	f.count("loops", "number of event loops; by default one per processor", &c.Loops)
	f.duration("lease", "lease of a hold whose ACQUIRE has no TTL", &c.Lease)
}

func (s *Server) addDurability(f *flags) {
	c := &s.Engine
	f.text("data-dir", "DIR", "directory for images of all locks, so that holds survive a restart", &c.DataDir)
	f.duration("snapshot-interval", "time between images; no image is written while only leases change",
		&c.SnapshotInterval)
	f.count("snapshot-keep", "number of images to keep", &c.SnapshotKeep)
	f.duration("recovery-grace", "after a crash, time in which holders can prove their holds before "+
		"anything is granted", &c.RecoveryGrace)
	f.text("backup-of", "ADDR", "run as a backup of the primary with this HTTP address, or with this data "+
		"directory (a path with a slash)", &c.BackupOf)
	f.add("token-floor", "N", "0", "make all new fencing tokens larger than N; needed after a data directory "+
		"was emptied or restored", into(&c.TokenFloor, parseToken))
	f.add("recover", "older", "", "older: skip damaged images, rename them, and start from the newest sound one; "+
		"no effect if no image is damaged", into(&c.RecoverOlder, parseRecover))
}

func (s *Server) addLimits(f *flags) {
	c := &s.Engine
	f.count("max-conns", "most open connections; at the limit holders can still renew and release", &c.ConnsMax)
	f.add("max-conns-per-address", "N", "", "most open connections per client address (per /64 for IPv6); "+
		"by default 1000, and no limit for this machine", into(&c.ConnsPerAddressMax, parseCount))
	f.add("max-new-conns-per-address", "N", "", "most new connections per second and client address; "+
		"by default 200, and no limit for this machine", into(&c.NewConnsPerAddressMax, parseCount))
	f.count("max-locks", "most locks that are held at the same time", &c.LocksMax)
	f.count("max-waiters", "most requests that wait at the same time", &c.WaitersMax)
	f.count("max-waiters-per-lock", "most requests that wait for one lock", &c.WaitersPerLockMax)
	f.count("max-retries", "most requests with REQ that are remembered", &c.RequestsMax)
	f.duration("reconnect-grace", "how long a waiting request with REQ keeps its place when its connection ends", &c.ReconnectGrace)
	f.bytes("max-pending", "most bytes of input kept behind a waiting command, per connection", &c.PendingMax)
	f.bytes("max-unread", "most bytes of replies that a client has not read yet; at the limit its next "+
		"commands wait", &c.UnreadMax)
	f.add("max-buffered", "SIZE", formatSize(c.BufferedMax),
		"most bytes in the buffers of all connections together", into(&c.BufferedMax, parseLimit))
	f.add("max-memory", "SIZE", fmt.Sprintf("%d%% of the machine or container", memoryPart),
		"resident memory at which the lock table stops growing; at least 32MiB, or 0 for no limit",
		into(&c.MemoryMax, parseSize))
}

func (s *Server) addTimeouts(f *flags) {
	c := &s.Engine
	f.duration("partial-timeout", "longest time between the first and the last byte of a command", &c.PartialMax)
	f.duration("auth-timeout", "longest time from connecting to a valid AUTH", &c.AuthWait)
	f.add("idle-timeout", "TIME", "", "longest time in which a connection that waits for nothing sends nothing; by default no limit",
		into(&c.IdleMax, parseDuration))
	f.duration("stop-timeout", "longest time for a stop with its last image; after that the process fails and "+
		"says what it was waiting for", &c.StopWait)
}

func (s *Server) addAccess(f *flags) {
	f.text("token-file", "FILE", "TOML file of [[token]] entries; SIGHUP reads it again", &s.TokenFile)
	f.add("insecure-no-auth", "bool", "false", "allow an address that other machines can reach without tokens: "+
		"anybody who reaches it can lock", into(&s.Engine.InsecureNoAuth, parseBool))
}

func (s *Server) addDiagnosis(f *flags) {
	f.text("audit-log", "FILE", "file for records of what admins do, as JSON lines; SIGHUP opens it anew; "+
		"by default the log has them", &s.AuditLog)
	f.add("log-level", "LEVEL", strings.ToLower(s.LogLevel.String()),
		"debug, info, warn or error", into(&s.LogLevel, parseLevel))
	f.add("log-format", "FORMAT", "",
		"text or json; by default text on a terminal and json elsewhere", into(&s.LogFormat, parseFormat))
	f.add("log-waits-over", "TIME", "", "log requests that have waited so long, at least 1s, when they are granted, time out, or are "+
		"refused for a deadlock; by default none", into(&s.Engine.LogWaitsOver, parseDuration))
	f.text("cpu-profile", "FILE", "write a CPU profile of the whole run to FILE, for go tool pprof", &s.CPUProfile)
}

// flags adds settings to a flag set, one method for each kind of value.
type flags struct{ set *pflag.FlagSet }

// add adds a setting. kind is the help text's word for the value, def its default in words.
func (f *flags) add(name, kind, def, help string, parse func(string) error) {
	addLate(f.set, name, kind, def, help, parse)
}

func (f *flags) text(name, kind, help string, field *string) {
	f.add(name, kind, *field, help, into(field, parseText))
}

func (f *flags) count(name, help string, field *int) {
	f.add(name, "N", strconv.Itoa(*field), help, into(field, parseCount))
}

func (f *flags) duration(name, help string, field *time.Duration) {
	f.add(name, "TIME", shortDuration(*field), help, into(field, parseDuration))
}

func (f *flags) bytes(name, help string, field *int) {
	f.add(name, "SIZE", formatSize(int64(*field)), help, into(field, parseLimitInt))
}

// shortDuration writes 24h where Duration.String writes 24h0m0s.
func shortDuration(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}
