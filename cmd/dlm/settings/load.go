package settings

import (
	"crypto/tls"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"dlm/engine"
	"dlm/engine/auth"
)

// Load fills the settings from the command line, which fs has parsed, from the environment, and
// from the files that they name. It returns every problem as one error of type Problems.
func (s *Server) Load(fs *pflag.FlagSet, env Environment) error {
	names := lateNames(fs)
	problems := Problems(env.unknown(names))

	// A flag or a variable can name the file, so both are read first. The second pass reports
	// the problems of the first one again.
	where, _ := resolve(fs, env.find)
	inFile := slices.DeleteFunc(slices.Clone(names), func(name string) bool { return name == "config" })
	file, bad := readConfigFile(s.configFile, where["config"], inFile)
	problems = append(problems, bad...)
	origins, bad := resolve(fs, env.find, file.find)
	problems = append(problems, bad...)
	problems = append(problems, s.withoutDataDir(origins)...)

	var err error
	if s.Engine.AdminToken, err = env.adminToken(); err != nil {
		problems = append(problems, err)
	}
	s.Engine.BackupToken = env[EnvToken]
	noCerts := s.withCertificates(origins)
	problems = append(problems, noCerts...)
	problems = append(problems, s.validateHTTP(origins)...)
	problems = append(problems, s.validateHealth(origins)...)
	problems = append(problems, s.validateAddresses(origins)...)
	problems = append(problems, s.validatePrimary(origins)...)
	problems = append(problems, s.validatePlain(origins)...)
	checked, bad := s.withTokens(origins)
	problems = append(problems, bad...)
	if len(noCerts) > 0 {
		checked.TLS = new(tls.Config) // the files were meant to give one
	}
	problems = append(problems, validate(checked, origins, names)...)
	return problems.OrNil()
}

// withTokens reads the token file, if there is one, and returns the configuration to check.
func (s *Server) withTokens(origins map[string]string) (checked engine.Config, problems []error) {
	if s.TokenFile == "" {
		return s.Engine, nil
	}
	s.Engine.Credentials, problems = readTokenFile(s.TokenFile)
	for i, err := range problems {
		problems[i] = fmt.Errorf("%s: %w", origins["token-file"], err)
	}
	checked = s.Engine
	if len(problems) > 0 {
		// The file was meant to hold a token, so that the lack of tokens is no second problem.
		checked.Credentials = []auth.Credential{{Name: "unread", Role: auth.RoleRead}}
	}
	return checked, problems
}

// validate returns the engine's problems with a configuration. Each begins with the source of
// its setting: the place that has given it, or the flag.
func validate(c engine.Config, origins map[string]string, names []string) (problems []error) {
	for _, err := range flatten(c.Validate()) {
		name, rest, _ := strings.Cut(err.Error(), ": ")
		if origin, given := origins[name]; given {
			err = fmt.Errorf("%s: %s", origin, rest)
		} else if slices.Contains(names, name) {
			err = fmt.Errorf("--%s: %s", name, rest)
		}
		problems = append(problems, err)
	}
	return problems
}

// needDataDir are the settings that have no effect without a data directory. engine.Config
// refuses some others with words of its own.
var needDataDir = []string{"snapshot-interval", "snapshot-keep", "recovery-grace"}

// withoutDataDir returns a problem for each setting that has no effect, because a user who
// gives it believes that locks are kept on disk.
func (s *Server) withoutDataDir(origins map[string]string) (problems []error) {
	if s.Engine.DataDir != "" {
		return nil
	}
	for _, name := range needDataDir {
		if where, given := origins[name]; given {
			problems = append(problems, fmt.Errorf("%s: this has no effect without --data-dir", where))
		}
	}
	return problems
}
