package settings

import (
	"crypto/sha256"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// EnvPrefix starts the name of every environment variable that is ours.
const EnvPrefix = "DLM_"

// Variables that hold secrets and so have no flag.
const (
	EnvToken      = "DLM_TOKEN"       // what a client presents; the server ignores it
	EnvAdminToken = "DLM_ADMIN_TOKEN" // one admin token of the server, without a file
)

// adminTokenMin is the fewest bytes of DLM_ADMIN_TOKEN. Sixteen random bytes
// can't be guessed; fewer is a word that somebody made up.
const adminTokenMin = 16

// Environment is the part of the process environment that is ours.
type Environment map[string]string

func ReadEnvironment(environ []string) Environment {
	env := Environment{}
	for _, pair := range environ {
		if name, value, ok := strings.Cut(pair, "="); ok && strings.HasPrefix(name, EnvPrefix) {
			env[name] = value
		}
	}
	return env
}

// envName returns the variable of a flag: DLM_MAX_CONNS for max-conns.
func envName(flag string) string {
	return EnvPrefix + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// find is a layer. An empty variable counts as not set, which is how shells
// and container files commonly leave a setting to its default.
func (env Environment) find(flag string) (text, where string, found bool) {
	name := envName(flag)
	return env[name], name, env[name] != ""
}

// unknown returns a problem for each variable that is no setting, sorted by name.
func (env Environment) unknown(flags []string) (problems []error) {
	known := []string{EnvToken, EnvAdminToken}
	for _, flag := range flags {
		known = append(known, envName(flag))
	}
	for _, name := range slices.Sorted(maps.Keys(env)) {
		if !slices.Contains(known, name) && !isServiceLink(name, env[name]) {
			problems = append(problems, fmt.Errorf("%s: there is no such setting%s", name, didYouMean(name, known)))
		}
	}
	return problems
}

// serviceLink matches the variables that Kubernetes sets in each container for a service
// named dlm, or dlm-<something>; but for its URL, which ends with servicePort.
var serviceLink = regexp.MustCompile(`^DLM_(?:[A-Z0-9_]+_)?(?:SERVICE_HOST|SERVICE_PORT(?:_[A-Z0-9_]+)?|` +
	`PORT_[0-9]+_(?:TCP|UDP|SCTP)(?:_ADDR|_PORT|_PROTO)?)$`)

const servicePort = "_PORT"

// isServiceLink reports whether Kubernetes has set a variable for its service links. DLM_PORT
// holds a URL then: a bare number is meant as a setting by whoever wrote it.
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
		return nil, fmt.Errorf("%s: it is empty: unset it, or give it a token, as made by 'dlm token new'", EnvAdminToken)
	case len(token) < adminTokenMin:
		return nil, fmt.Errorf("%s: it has %d bytes, at least %d are needed: make one with 'dlm token new'",
			EnvAdminToken, len(token), adminTokenMin)
	}
	hash := sha256.Sum256([]byte(token))
	return &hash, nil
}
