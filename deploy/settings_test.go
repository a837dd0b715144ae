package deploy

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"dlm/cmd/dlm/settings"
)

// others are the variables that are no flags: secrets, and one of the tests.
var others = []string{settings.EnvAdminToken, settings.EnvToken, "DLM_CI"}

// TestFilesNameSettingsOfServer checks every DLM_ variable and every flag of `dlm server` that a
// file of this folder names.
func TestFilesNameSettingsOfServer(t *testing.T) {
	flags := pflag.NewFlagSet("server", pflag.ContinueOnError)
	settings.New("", "").AddFlags(flags)
	variable := regexp.MustCompile(`\bDLM_[A-Z_]+`)
	flag := regexp.MustCompile(`dlm server((?: [^\n]+)?)`)
	word := regexp.MustCompile(`--([a-z-]+)`)
	seen := 0
	err := filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || strings.HasSuffix(path, ".go") {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, name := range variable.FindAllString(string(text), -1) {
			seen++
			long := strings.ToLower(strings.ReplaceAll(strings.TrimPrefix(name, settings.EnvPrefix), "_", "-"))
			if flags.Lookup(long) == nil && !slices.Contains(others, name) {
				t.Errorf("%s: there is no setting %s", path, name)
			}
		}
		for _, line := range flag.FindAllStringSubmatch(string(text), -1) {
			for _, name := range word.FindAllStringSubmatch(line[1], -1) {
				seen++
				if flags.Lookup(name[1]) == nil {
					t.Errorf("%s: there is no flag --%s", path, name[1])
				}
			}
		}
		return nil
	})
	if err != nil || seen < 10 {
		t.Errorf("%d names found, %v", seen, err)
	}
}

// TestSettingsFile checks that the file of the package is taken, as it is and with all that it
// suggests.
func TestSettingsFile(t *testing.T) {
	text, err := os.ReadFile("systemd/dlm.toml")
	if err != nil {
		t.Fatal(err)
	}
	full := regexp.MustCompile(`(?m)^# ([a-z-]+ = )`).ReplaceAllString(string(text), "$1")
	if full == string(text) {
		t.Error("the file suggests nothing")
	}
	for _, text := range []string{string(text), full} {
		file := filepath.Join(t.TempDir(), "dlm.toml")
		write(t, file, text)
		s := settings.New("", "")
		flags := pflag.NewFlagSet("server", pflag.ContinueOnError)
		s.AddFlags(flags)
		if err := flags.Parse([]string{"--config", file, "--data-dir", t.TempDir()}); err != nil {
			t.Fatal(err)
		}
		if err := s.Load(flags, settings.ReadEnvironment(nil)); err != nil {
			t.Errorf("%v\n%s", err, text)
		}
	}
}
