package main

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
)

// envPrefix starts the name of every environment variable that is ours.
const envPrefix = "DLM_"

// Variables that hold secrets and so have no flag.
const (
	envToken      = "DLM_TOKEN"       // what a client presents; the server ignores it
	envAdminToken = "DLM_ADMIN_TOKEN" // one admin token of the server, without a file
)

// adminTokenMin is the fewest bytes of DLM_ADMIN_TOKEN. Sixteen random bytes
// can't be guessed; fewer is a word that somebody made up.
const adminTokenMin = 16

// environment is the part of the process environment that is ours.
type environment map[string]string

func readEnvironment(environ []string) environment {
	env := environment{}
	for _, pair := range environ {
		if name, value, ok := strings.Cut(pair, "="); ok && strings.HasPrefix(name, envPrefix) {
			env[name] = value
		}
	}
	return env
}

// envName returns the variable of a flag: DLM_MAX_CONNS for max-conns.
func envName(flag string) string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// find is a layer. An empty variable counts as not set, which is how shells
// and container files commonly leave a setting to its default.
func (env environment) find(flag string) (text, where string, found bool) {
	name := envName(flag)
	return env[name], name, env[name] != ""
}

// unknown lists the variables that are not settings, sorted, each with the
// setting that may have been meant.
func (env environment) unknown(flags []string) (list []string) {
	known := []string{envToken, envAdminToken}
	for _, flag := range flags {
		known = append(known, envName(flag))
	}
	for name := range env {
		if !slices.Contains(known, name) {
			list = append(list, name+didYouMean(name, known))
		}
	}
	slices.Sort(list)
	return list
}

// adminToken returns the hash of DLM_ADMIN_TOKEN, nil if it isn't set.
func (env environment) adminToken() (*[sha256.Size]byte, error) {
	token, set := env[envAdminToken]
	switch {
	case !set:
		return nil, nil
	case token == "":
		return nil, fmt.Errorf("%s: it is empty: unset it, or give it a token, as made by 'dlm token new'", envAdminToken)
	case len(token) < adminTokenMin:
		return nil, fmt.Errorf("%s: it has %d bytes, at least %d are needed: make one with 'dlm token new'",
			envAdminToken, len(token), adminTokenMin)
	}
	hash := sha256.Sum256([]byte(token))
	return &hash, nil
}
