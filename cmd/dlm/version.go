package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// version is the released version, set by the linker:
//
//	go build -ldflags "-X main.version=v1.2.3" ./cmd/dlm
//
// It is empty in a build without that flag.
var version string

// commit is what a release was made of, set by the linker too. It is empty in other builds, which
// know it from Go.
var commit string

// build says how this binary was made.
type build struct {
	version string // "dev" when unknown
	commit  string // "unknown" outside a repository; ends in "-dirty" with local changes
	golang  string
}

func (b build) String() string {
	return fmt.Sprintf("dlm %s (commit %s, %s)", b.version, b.commit, b.golang)
}

func readBuild() build {
	b := build{version: version, commit: "unknown", golang: runtime.Version()}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		info = &debug.BuildInfo{}
	}
	if b.version == "" && info.Main.Version != "(devel)" {
		b.version = info.Main.Version
	}
	if b.version == "" {
		b.version = "dev"
	}
	vcs := map[string]string{}
	for _, s := range info.Settings {
		vcs[s.Key] = s.Value
	}
	if revision := vcs["vcs.revision"]; revision != "" {
		b.commit = revision
	}
	if vcs["vcs.modified"] == "true" {
		b.commit += "-dirty"
	}
	if commit != "" {
		b.commit = commit
	}
	return b
}

func newVersionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Show version, commit and Go version",
		Args:  cobra.NoArgs,
		RunE: action(func(cmd *cobra.Command) error {
			_, err := fmt.Fprintln(cmd.OutOrStdout(), readBuild())
			return err
		}),
	}
}
