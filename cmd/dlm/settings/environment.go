package settings

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
)

// EnvPrefix begins the name of every variable of dlm.
const EnvPrefix = "DLM_"

// Variables that hold secrets, and therefore have no flag.
const (
	EnvToken      = "DLM_TOKEN"       // the token that a client or a backup shows
	EnvAdminToken = "DLM_ADMIN_TOKEN" // one admin token of the server, without a file
)

// adminTokenMin is the least length of DLM_ADMIN_TOKEN in bytes. Sixteen random bytes can't be
// guessed; a shorter token is a word that somebody made up.
const adminTokenMin = 16

// Environment holds the variables of the process whose names begin with EnvPrefix.
type Environment map[string]string

// ReadEnvironment keeps the variables of dlm, from pairs as os.Environ returns them.
func ReadEnvironment(environ []string) Environment {
	env := Environment{}
	for _, pair := range environ {
		if name, value, ok := strings.Cut(pair, "="); ok && strings.HasPrefix(name, EnvPrefix) {
			env[name] = value
		}
	}
	return env
}

// TakeEnvironment reads the variables of the process and takes those with secrets out of its
// environment, because no child and no crash report of the server needs them.
func TakeEnvironment() (Environment, error) {
	env := ReadEnvironment(os.Environ())
	return env, errors.Join(os.Unsetenv(EnvToken), os.Unsetenv(EnvAdminToken))
}

// envName returns the variable of a flag: DLM_MAX_CONNS for max-conns.
func envName(flag string) string {
	return EnvPrefix + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// find is a layer. An empty variable counts as not set, because shell scripts and container files
// often pass one to mean the default.
func (env Environment) find(flag string) (text, where string, found bool) {
	name := envName(flag)
	return env[name], name, env[name] != ""
}

// unknown returns a problem for each variable that names no setting, sorted by name.
func (env Environment) unknown(flags []string) (problems []error) {
	known := []string{EnvToken, EnvAdminToken}
	for _, flag := range flags {
		known = append(known, envName(flag))
	}
	for _, name := range slices.Sorted(maps.Keys(env)) {
		if !slices.Contains(known, name) && !isServiceLink(name, env[name]) {
			problems = append(problems, fmt.Errorf("%s: no such setting%s", name, didYouMean(name, known)))
		}
	}
	return problems
}

// serviceLink matches the variables that Kubernetes sets in each container for a service named
// dlm or dlm-<something>, except the one with its URL, which ends with servicePort.
var serviceLink = regexp.MustCompile(`^DLM_(?:[A-Z0-9_]+_)?(?:SERVICE_HOST|SERVICE_PORT(?:_[A-Z0-9_]+)?|` +
	`PORT_[0-9]+_(?:TCP|UDP|SCTP)(?:_ADDR|_PORT|_PROTO)?)$`)

const servicePort = "_PORT"

// isServiceLink reports whether Kubernetes set a variable for its service links. Such a DLM_PORT
// holds a URL. A DLM_PORT with a bare number is a user's attempt at a setting.
func isServiceLink(name, value string) bool {
	return serviceLink.MatchString(name) || strings.HasSuffix(name, servicePort) && strings.Contains(value, "://")
}

// adminToken returns the hash of DLM_ADMIN_TOKEN, nil if it isn't set.
func (env Environment) adminToken() (*[sha256.Size]byte, error) {
	token, set := env[EnvAdminToken]
	switch {
	case !set:
		return nil, nil
	case token == "":
		return nil, fmt.Errorf("%s is empty: unset it, or set it to a token made by 'dlm token new'", EnvAdminToken)
	case len(token) < adminTokenMin:
		return nil, fmt.Errorf("%s has %d bytes and needs at least %d: make one with 'dlm token new'",
			EnvAdminToken, len(token), adminTokenMin)
	}
	hash := sha256.Sum256([]byte(token))
	return &hash, nil
}
