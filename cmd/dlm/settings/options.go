package settings

import (
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"dlm/engine"
)

// Server is everything that `dlm server` is told. Made by New, filled by Load, read-only from
// then on.
type Server struct {
	Engine     engine.Config
	HTTP       string // address of the HTTP side, or Off
	Health     string // address of the probes alone, or Off
	TokenFile  string // empty: none
	CPUProfile string // empty: none
	LogLevel   slog.Level
	LogFormat  string // "text", "json", or empty: text on a terminal, else json

	configFile string // empty: none
}

// New returns the defaults of a server of this version on this machine.
func New(version string) *Server {
	s := &Server{LogLevel: slog.LevelInfo, HTTP: "localhost:7421", Health: Off}
	s.Engine.EnsureDefaults()
	s.Engine.Version = version
	s.Engine.MemoryMax = defaultMemoryMax("/")
	return s
}

// AddFlags adds the settings to fs. Their defaults are those of engine.Config.
func (s *Server) AddFlags(fs *pflag.FlagSet) {
	c := &s.Engine
	text := func(name, kind, help string, field *string) {
		addLate(fs, name, kind, *field, help, into(field, parseText))
	}
	count := func(name, help string, field *int) {
		addLate(fs, name, "N", strconv.Itoa(*field), help, into(field, parseCount))
	}
	duration := func(name, help string, field *time.Duration) {
		addLate(fs, name, "TIME", shortDuration(*field), help, into(field, parseDuration))
	}
	bytes := func(name, help string, field *int) {
		addLate(fs, name, "SIZE", formatSize(int64(*field)), help, into(field, parseLimitInt))
	}

	text("config", "FILE", "TOML file of settings, one key per flag", &s.configFile)
	text("listen", "ADDR", "address to serve on, host:port; localhost is 127.0.0.1 and ::1, port 0 takes a free one", &c.Listen)
	text("http", "ADDR", "address of the HTTP side, host:port: health, images, promotion; off: none", &s.HTTP)
	text("health", "ADDR", "address that answers /livez and /readyz alone, in one word each, for orchestrators; off: none", &s.Health)
	count("loops", "event loops, by default one per processor", &c.Loops)
	duration("lease", "how long a hold lasts that was acquired without TTL", &c.Lease)

	text("data-dir", "DIR", "directory for images of the table, so that holds survive a restart", &c.DataDir)
	duration("snapshot-interval", "time between images; none is written while nothing but leases changes", &c.SnapshotInterval)
	count("snapshot-keep", "images that are kept", &c.SnapshotKeep)
	duration("recovery-grace", "how long a start from an image waits for holders before it grants anything", &c.RecoveryGrace)
	text("backup-of", "ADDR", "be a backup of the primary with this HTTP address or data directory (with a slash)", &c.BackupOf)
	addLate(fs, "token-floor", "N", "0", "fencing tokens of this start are larger than N, as after an emptied or restored directory",
		into(&c.TokenFloor, parseToken))
	addLate(fs, "recover", "older", "", "older: start from the newest image that is sound, and rename damaged ones; does nothing while none is", into(&c.RecoverOlder, parseRecover))

	count("max-conns", "most open connections; beyond it holders may still renew and release", &c.ConnsMax)
	addLate(fs, "max-conns-per-address", "N", "", "most open connections of one address (/64 of IPv6), by default 1000, and any number from this machine",
		into(&c.ConnsPerAddressMax, parseCount))
	addLate(fs, "max-new-conns-per-address", "N", "", "connections that an address may open a second, by default 200, and any number from this machine",
		into(&c.NewConnsPerAddressMax, parseCount))
	count("max-locks", "most locks held at once", &c.LocksMax)
	count("max-waiters", "most waiting requests at once", &c.WaitersMax)
	count("max-waiters-per-lock", "most waiting requests on one lock", &c.WaitersPerLockMax)
	bytes("max-pending", "most bytes kept behind a waiting command, per connection", &c.PendingMax)
	bytes("max-unread", "most bytes of unread replies per connection, before its commands wait", &c.UnreadMax)
	addLate(fs, "max-buffered", "SIZE", formatSize(c.BufferedMax),
		"most bytes in the buffers of all connections", into(&c.BufferedMax, parseLimit))
	addLate(fs, "max-memory", "SIZE", fmt.Sprintf("%d%% of the machine or container", memoryPart),
		"resident memory from which on the lock table takes no more, at least 32MiB, 0: no limit", into(&c.MemoryMax, parseSize))

	duration("partial-timeout", "how long a partly sent command may take", &c.PartialMax)
	duration("auth-timeout", "how long a connection may take to authenticate", &c.AuthWait)
	duration("stop-timeout", "how long a stop may take in all, with the last image; then the process fails and tells what hung", &c.StopWait)

	text("token-file", "FILE", "TOML file of [[token]] entries, read again on SIGHUP", &s.TokenFile)
	addLate(fs, "insecure-no-auth", "bool", "false",
		"serve on a reachable address without tokens: everybody who reaches it may lock", into(&c.InsecureNoAuth, parseBool))
	addLate(fs, "log-level", "LEVEL", strings.ToLower(s.LogLevel.String()),
		"debug, info, warn or error", into(&s.LogLevel, parseLevel))
	addLate(fs, "log-format", "FORMAT", "",
		"text or json, by default text on a terminal and json elsewhere", into(&s.LogFormat, parseFormat))
	text("cpu-profile", "FILE", "write a CPU profile of the whole run to FILE, for go tool pprof", &s.CPUProfile)
}

// Load fills the settings from the command line, which fs has parsed, the
// environment and the files that they name. It reports every problem at once.
func (s *Server) Load(fs *pflag.FlagSet, env Environment) error {
	names := lateNames(fs)
	problems := env.unknown(names)

	// The file can be named by a flag or a variable, so these come first. The
	// problems of this pass show up again in the next.
	resolve(fs, env.find)
	file, bad := readConfigFile(s.configFile, without(names, "config"))
	problems = append(problems, bad...)
	origins, bad := resolve(fs, env.find, file.find)
	problems = append(problems, bad...)
	problems = append(problems, s.withoutDataDir(origins)...)

	var err error
	if s.Engine.AdminToken, err = env.adminToken(); err != nil {
		problems = append(problems, err)
	}
	s.Engine.BackupToken = env[EnvToken]
	problems = append(problems, s.validateHTTP()...)
	problems = append(problems, s.validateHealth(origins)...)
	problems = append(problems, s.validateAddresses(origins)...)
	problems = append(problems, s.validatePrimary(origins)...)
	if s.TokenFile == "" {
		problems = append(problems, s.validate(s.Engine, origins)...)
		return Problems(problems).OrNil()
	}
	creds, bad := readTokenFile(s.TokenFile)
	problems = append(problems, bad...)
	s.Engine.Credentials = creds
	checked := s.Engine
	if len(bad) > 0 {
		// The file was meant to hold a token: its absence is not a second problem.
		checked.Credentials = []engine.Credential{{Name: "unread", Role: engine.RoleRead}}
	}
	problems = append(problems, s.validate(checked, origins)...)
	return Problems(problems).OrNil()
}

// validate returns the engine's problems with a configuration, each with the
// source of the setting that it begins with.
func (s *Server) validate(c engine.Config, origins map[string]string) (problems []error) {
	for _, err := range flatten(c.Validate()) {
		name, rest, _ := strings.Cut(err.Error(), ": ")
		if origin, ok := origins[name]; ok {
			err = fmt.Errorf("%s: %s", origin, rest)
		}
		problems = append(problems, err)
	}
	return problems
}

// Off is the address of no HTTP side, and of no probes.
const Off = "off"

// validateHTTP holds the HTTP side to the rule of the port for locks: without
// tokens it is for this machine only.
func (s *Server) validateHTTP() []error {
	if s.HTTP == Off {
		return nil
	}
	host, _, err := net.SplitHostPort(s.HTTP)
	if err != nil {
		return []error{fmt.Errorf("http: %q is neither host:port nor off", s.HTTP)}
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) && s.TokenFile == "" {
		return []error{fmt.Errorf("http: %q is not a loopback address, and without a --token-file everybody could fetch the images", s.HTTP)}
	}
	return nil
}

// needDataDir are the settings that say nothing without a data directory. Those that are
// refused with words of their own by engine.Config are not among them.
var needDataDir = []string{"snapshot-interval", "snapshot-keep", "recovery-grace"}

// withoutDataDir returns a problem for each setting that was given in vain: whoever gives it
// believes that locks are kept on disk.
func (s *Server) withoutDataDir(origins map[string]string) (problems []error) {
	if s.Engine.DataDir != "" {
		return nil
	}
	for _, name := range needDataDir {
		if where, given := origins[name]; given {
			problems = append(problems, fmt.Errorf("%s: it means nothing without a data-dir", where))
		}
	}
	return problems
}

func without(list []string, word string) (rest []string) {
	for _, w := range list {
		if w != word {
			rest = append(rest, w)
		}
	}
	return rest
}

// shortDuration is 24h where Duration.String says 24h0m0s.
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
