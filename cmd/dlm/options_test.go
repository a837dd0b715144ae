package main

import (
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"
)

// loadFrom loads options from a command line, an environment and a file.
func loadFrom(t *testing.T, args []string, env map[string]string, file string) (*options, error) {
	t.Helper()
	o := newOptions()
	fs := pflag.NewFlagSet("test", pflag.ContinueOnError)
	o.addFlags(fs)
	if file != "" {
		args = append([]string{"--config", writeFile(t, "dlm.toml", 0o644, file)}, args...)
	}
	if err := fs.Parse(args); err != nil {
		t.Fatal(err)
	}
	return o, o.load(fs, environment(env))
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
			o, err := loadFrom(t, from.args, from.env, from.file)
			if err != nil {
				t.Fatal(err)
			}
			c := &o.engine
			if c.Listen != "0.0.0.0:1" || c.ConnsMax != 5 || c.Lease != 2*time.Second || c.PendingMax != 2048 ||
				c.BufferedMax != 1<<30 || !c.InsecureNoAuth || o.logLevel.String() != "WARN" || o.logFormat != formatText {
				t.Errorf("got %+v", o)
			}
		})
	}
}

func TestFirstSourceWins(t *testing.T) {
	file := "max-conns = 1\nmax-locks = 1\nmax-waiters = 1"
	env := map[string]string{"DLM_MAX_CONNS": "2", "DLM_MAX_LOCKS": "2", "DLM_MAX_WAITERS": ""}
	o, err := loadFrom(t, []string{"--max-conns=3"}, env, file)
	if err != nil {
		t.Fatal(err)
	}
	if c := &o.engine; c.ConnsMax != 3 || c.LocksMax != 2 || c.WaitersMax != 1 || c.WaitersPerLockMax != 100_000 {
		t.Errorf("got conns %d, locks %d, waiters %d, waiters per lock %d; want 3, 2, 1, 100000",
			c.ConnsMax, c.LocksMax, c.WaitersMax, c.WaitersPerLockMax)
	}
}

func TestDefaults(t *testing.T) {
	o, err := loadFrom(t, nil, nil, "")
	if err != nil {
		t.Fatal(err)
	}
	if o.engine.Listen != "localhost:7420" || o.engine.Lease != 30*time.Second || o.logFormat != "" {
		t.Errorf("got %+v", o)
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
		{name: "unknown key", file: "[server]\nport = 1", want: "FILE:1: server: there is no such setting"},
		{name: "key with a slip", file: "max_conns = 1",
			want: "FILE:1: max_conns: there is no such setting (did you mean max-conns?)"},
		{name: "file names a file", file: "config = 'x'", want: "FILE:1: config: there is no such setting"},
		{name: "key twice", file: "lease = '1s'\nlease = '2s'", want: "FILE:2:1: toml: key lease is already defined"},
		{name: "empty value", args: []string{"--listen="}, want: "--listen: the value is empty"},
		{name: "zero is no limit", args: []string{"--max-memory=0"}},
		{name: "zero is not the default", args: []string{"--max-conns=0"},
			want: `--max-conns: "0" is not a whole number from 1`},
		{name: "empty admin token", env: map[string]string{"DLM_ADMIN_TOKEN": ""},
			want: "DLM_ADMIN_TOKEN: it is empty: unset it, or give it a token, as made by 'dlm token new'"},
		{name: "short admin token", env: map[string]string{"DLM_ADMIN_TOKEN": "fifteen bytes.."},
			want: "DLM_ADMIN_TOKEN: it has 15 bytes, at least 16 are needed: make one with 'dlm token new'"},
	} {
		t.Run(c.name, func(t *testing.T) {
			o, err := loadFrom(t, c.args, c.env, c.file)
			got := ""
			if err != nil {
				got = err.Error()
			}
			if o.configFile != "" {
				got = strings.ReplaceAll(got, o.configFile, "FILE")
			}
			if got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestMissingTokenFileIsTheOnlyProblem(t *testing.T) {
	_, err := loadFrom(t, []string{"--listen=0.0.0.0:7420", "--token-file=nowhere.toml"}, nil, "")
	if err == nil || err.Error() != "token file: open nowhere.toml: no such file or directory" {
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
