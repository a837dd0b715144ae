package settings

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"
)

// loadFrom loads settings from a command line, an environment and a file.
func loadFrom(t *testing.T, args []string, env map[string]string, file string) (*Server, error) {
	t.Helper()
	s := New("test", "c0ffee")
	fs := pflag.NewFlagSet("test", pflag.ContinueOnError)
	s.AddFlags(fs)
	if file != "" {
		args = append([]string{"--config", writeFile(t, "dlm.toml", 0o644, file)}, args...)
	}
	if err := fs.Parse(args); err != nil {
		t.Fatal(err)
	}
	return s, s.Load(fs, Environment(env))
}

// TestLogWaitsOver: off by default, from every source, and no less than the table notes.
func TestLogWaitsOver(t *testing.T) {
	for name, c := range map[string]struct {
		args []string
		env  map[string]string
		file string
		want time.Duration
		bad  bool
	}{
		"default":      {},
		"command line": {args: []string{"--log-waits-over=1s"}, want: time.Second},
		"environment":  {env: map[string]string{"DLM_LOG_WAITS_OVER": "2m"}, want: 2 * time.Minute},
		"file":         {file: `log-waits-over = "1500ms"`, want: 1500 * time.Millisecond},
		"too short":    {args: []string{"--log-waits-over=999ms"}, bad: true},
	} {
		s, err := loadFrom(t, c.args, c.env, c.file)
		if (err != nil) != c.bad || !c.bad && s.Engine.LogWaitsOver != c.want {
			t.Errorf("%s: %v %v", name, s.Engine.LogWaitsOver, err)
		}
	}
}

func TestEachSourceSetsEachKindOfValue(t *testing.T) {
	type sources struct {
		args []string
		env  map[string]string
		file string
	}
	for name, from := range map[string]sources{
		"command line": {args: []string{"--listen=0.0.0.0:1", "--max-conns=5", "--lease=2s", "--max-pending=2KiB",
			"--max-buffered=1GiB", "--insecure-no-auth", "--log-level=warn", "--log-format=text"}},
		"environment": {env: map[string]string{"DLM_LISTEN": "0.0.0.0:1", "DLM_MAX_CONNS": "5", "DLM_LEASE": "2s",
			"DLM_MAX_PENDING": "2KiB", "DLM_MAX_BUFFERED": "1GiB", "DLM_INSECURE_NO_AUTH": "true",
			"DLM_LOG_LEVEL": "warn", "DLM_LOG_FORMAT": "text"}},
		"file": {file: `
			listen = "0.0.0.0:1"
			max-conns = 5
			lease = "2s"
			max-pending = 2_048
			max-buffered = "1GiB"
			insecure-no-auth = true
			log-level = "warn"
			log-format = "text"`},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := loadFrom(t, from.args, from.env, from.file)
			if err != nil {
				t.Fatal(err)
			}
			c := &s.Engine
			if c.Listen != "0.0.0.0:1" || c.ConnsMax != 5 || c.Lease != 2*time.Second || c.PendingMax != 2048 ||
				c.BufferedMax != 1<<30 || !c.InsecureNoAuth || s.LogLevel.String() != "WARN" || s.LogFormat != "text" {
				t.Errorf("got %+v", s)
			}
		})
	}
}

func TestFirstSourceWins(t *testing.T) {
	file := "max-conns = 1\nmax-locks = 1\nmax-waiters = 1"
	env := map[string]string{"DLM_MAX_CONNS": "2", "DLM_MAX_LOCKS": "2", "DLM_MAX_WAITERS": ""}
	s, err := loadFrom(t, []string{"--max-conns=3"}, env, file)
	if err != nil {
		t.Fatal(err)
	}
	if c := &s.Engine; c.ConnsMax != 3 || c.LocksMax != 2 || c.WaitersMax != 1 || c.WaitersPerLockMax != 100_000 {
		t.Errorf("got conns %d, locks %d, waiters %d, waiters per lock %d; want 3, 2, 1, 100000",
			c.ConnsMax, c.LocksMax, c.WaitersMax, c.WaitersPerLockMax)
	}
}

func TestDefaults(t *testing.T) {
	s, err := loadFrom(t, nil, nil, "")
	if err != nil {
		t.Fatal(err)
	}
	if s.Engine.Listen != "localhost:7420" || s.Engine.Lease != 30*time.Second || s.LogFormat != "" {
		t.Errorf("got %+v", s)
	}
}

func TestEachProblemNamesItsSource(t *testing.T) {
	for _, c := range []struct {
		name string
		args []string
		env  map[string]string
		file string
		want string // whole, with the file's path as FILE
	}{
		{name: "bad flag", args: []string{"--lease=soon"},
			want: `--lease: "soon" is not a duration such as 500ms, 30s or 1m30s`},
		{name: "bad variable", env: map[string]string{"DLM_LEASE": "30"},
			want: `DLM_LEASE: "30" has no unit: write 30s for seconds, 30ms for milliseconds`},
		{name: "bad value in the file", file: "\n\nlease = 30\n",
			want: `FILE:3: lease: "30" has no unit: write 30s for seconds, 30ms for milliseconds`},
		{name: "bad value that is not used", args: []string{"--lease=1s"}, env: map[string]string{"DLM_LEASE": "soon"}},
		{name: "value that the engine refuses", file: "lease = '1ms'",
			want: `FILE:1: lease: 1ms is not within 100ms to 24h in whole milliseconds`},
		{name: "unknown key", file: "[server]\nport = 1", want: "FILE:1: server: no such setting"},
		{name: "key with a slip", file: "max_conns = 1",
			want: "FILE:1: max_conns: no such setting (did you mean max-conns?)"},
		{name: "file names a file", file: "config = 'x'", want: "FILE:1: config: no such setting"},
		{name: "key twice", file: "lease = '1s'\nlease = '2s'", want: "FILE:2:1: toml: key lease is already defined"},
		{name: "empty value", args: []string{"--listen="}, want: "--listen: the value is empty"},
		{name: "zero is no limit", args: []string{"--max-memory=0"}},
		{name: "zero is not the default", args: []string{"--max-conns=0"},
			want: `--max-conns: "0" is not a whole number of 1 or more`},
		{name: "variable with a slip", env: map[string]string{"DLM_DATADIR": "/x", "DLM_MAX_CONN": "5"},
			want: "2 problems:\n  DLM_DATADIR: no such setting (did you mean DLM_DATA_DIR?)\n" +
				"  DLM_MAX_CONN: no such setting (did you mean DLM_MAX_CONNS?)"},
		{name: "settings of a data directory without one", args: []string{"--snapshot-keep=2"},
			env: map[string]string{"DLM_SNAPSHOT_INTERVAL": "1s"}, file: "recovery-grace = '1m'",
			want: "3 problems:\n  DLM_SNAPSHOT_INTERVAL: this has no effect without --data-dir\n" +
				"  --snapshot-keep: this has no effect without --data-dir\n" +
				"  FILE:1: recovery-grace: this has no effect without --data-dir"},
		{name: "settings of a data directory with one", args: []string{"--snapshot-keep=2", "--data-dir=/x"}},
		{name: "one address twice", args: []string{"--listen=127.0.0.1:7500", "--http=localhost:7500"},
			want: "--listen: 127.0.0.1:7500 is also the HTTP address (--http: localhost:7500): choose another port for one of them"},
		{name: "the default of the HTTP side", env: map[string]string{"DLM_LISTEN": "127.0.0.1:7421"},
			want: "DLM_LISTEN: 127.0.0.1:7421 is also the HTTP address (the default of --http: localhost:7421): choose another port for one of them"},
		{name: "host with a port", args: []string{"--http-host=a.example,b.example:7421"},
			want: `--http-host: "b.example:7421" is not the name of a host such as locks.example.com, without a scheme or a port`},
		{name: "backup of itself", args: []string{"--data-dir=/x", "--http=0.0.0.0:7500", "--token-file=x"}, env: map[string]string{"DLM_BACKUP_OF": "http://127.0.0.1:7500/"},
			want: "2 problems:\n  DLM_BACKUP_OF: http://127.0.0.1:7500/ is this server's own HTTP address: give the one of its primary\n" +
				"  --token-file: x: there is no such file"},
		{name: "backup of its own port for locks", args: []string{"--data-dir=/x", "--backup-of=localhost:7420"},
			want: "--backup-of: localhost:7420 is this server's own lock port: give the HTTP address of its primary"},
		{name: "no backup, on the port of the web", args: []string{"--listen=127.0.0.1:80", "--http=127.0.0.1:443"}},
		{name: "no backup, and the HTTP side there", args: []string{"--http=127.0.0.1:80"}},
		{name: "a port to announce that nobody can connect to", args: []string{"--advertise=db.example:0"},
			want: `--advertise: "db.example:0" has no port from 1 to 65535, at which clients find this server`},
		{name: "an address to announce", args: []string{"--advertise=db.example:7420"}},
		{name: "empty admin token", env: map[string]string{"DLM_ADMIN_TOKEN": ""},
			want: "DLM_ADMIN_TOKEN is empty: unset it, or set it to a token made by 'dlm token new'"},
		{name: "short admin token", env: map[string]string{"DLM_ADMIN_TOKEN": "fifteen bytes.."},
			want: "DLM_ADMIN_TOKEN has 15 bytes and needs at least 16: make one with 'dlm token new'"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, err := loadFrom(t, c.args, c.env, c.file)
			got := ""
			if err != nil {
				got = err.Error()
			}
			if s.configFile != "" {
				got = strings.ReplaceAll(got, s.configFile, "FILE")
			}
			if got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestMissingTokenFileIsOnlyProblem(t *testing.T) {
	_, err := loadFrom(t, []string{"--listen=0.0.0.0:7420", "--token-file=nowhere.toml"}, nil, "")
	if err == nil || err.Error() != "--token-file: nowhere.toml: there is no such file" {
		t.Errorf("got %v", err)
	}
}

func TestDidYouMean(t *testing.T) {
	for _, c := range []struct{ word, want string }{
		{"max_locks", " (did you mean max-locks?)"},
		{"leas", " (did you mean lease?)"},
		{"lease", " (did you mean lease?)"},
		{"port", ""},
		{"", ""},
	} {
		if got := didYouMean(c.word, []string{"listen", "lease", "max-locks", "max-conns"}); got != c.want {
			t.Errorf("%q: got %q, want %q", c.word, got, c.want)
		}
	}
}

func TestSameAddress(t *testing.T) {
	for _, c := range []struct {
		a, b string
		same bool
	}{
		{"127.0.0.1:1", "127.0.0.1:1", true},
		{"127.0.0.1:1", "127.0.0.1:2", false},
		{"127.0.0.1:0", "127.0.0.1:0", false}, // each gets a free one
		{"127.0.0.1:1", "localhost:1", true},
		{"[::1]:1", "localhost:1", true},
		{"0.0.0.0:1", "127.0.0.1:1", true},
		{":1", "[::1]:1", true},
		{"[::]:1", "10.0.0.1:1", true},
		{"0.0.0.0:1", "[::1]:1", false},
		{"127.0.0.1:1", "127.0.0.2:1", false},
		{"127.0.0.1:http", "127.0.0.1:80", true},
		{"primary:1", "primary:1", true},
		{"primary:1", "127.0.0.1:1", false}, // not known without asking the network
		{"127.0.0.1:1", "off", false},
		{"nonsense", "nonsense", false},
	} {
		if got := sameAddress(c.a, c.b); got != c.same || sameAddress(c.b, c.a) != c.same {
			t.Errorf("%s and %s: %v", c.a, c.b, got)
		}
	}
}

func TestHealthAddressIsOneOfItsOwn(t *testing.T) {
	for addr, want := range map[string]string{"nonsense": "neither host:port nor off", "127.0.0.1:7421": "the address of --http",
		"127.0.0.1:7420": "the address of --listen"} {
		_, err := loadFrom(t, []string{"--health", addr}, nil, "")
		if err == nil || !strings.Contains(err.Error(), "--health: ") || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", addr, err)
		}
	}
}

func TestVariablesOfServiceLinks(t *testing.T) {
	for _, c := range []struct {
		name, value string
		link        bool
	}{
		{"DLM_SERVICE_HOST", "10.0.0.1", true},
		{"DLM_SERVICE_PORT", "7420", true},
		{"DLM_SERVICE_PORT_LOCKS", "7420", true},
		{"DLM_PORT", "tcp://10.0.0.1:7420", true},
		{"DLM_PORT_7420_TCP", "tcp://10.0.0.1:7420", true},
		{"DLM_PORT_7420_TCP_ADDR", "10.0.0.1", true},
		{"DLM_PORT_7420_TCP_PORT", "7420", true},
		{"DLM_PORT_7420_TCP_PROTO", "tcp", true},
		{"DLM_BACKUP_SERVICE_HOST", "10.0.0.2", true},
		{"DLM_BACKUP_PORT_7421_TCP_ADDR", "10.0.0.2", true},
		{"DLM_PORT", "7420", false}, // somebody wants to set the port
		{"DLM_PORT_TCP", "7420", false},
		{"DLM_HOST", "10.0.0.1", false},
	} {
		if got := isServiceLink(c.name, c.value); got != c.link {
			t.Errorf("%s=%s: %v", c.name, c.value, got)
		}
	}
}

// writeFile writes a file in a directory of its own, and returns its path.
func writeFile(t *testing.T, name string, mode os.FileMode, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
	return path
}
