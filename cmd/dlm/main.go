package main

import (
	"errors"
	"io"
	"os"

	"github.com/spf13/cobra"
)

// Exit codes.
const (
	exitOK      = 0
	exitFailure = 1 // the command was understood and failed
	exitCrash   = 2 // a bug of the server, as after a panic of Go
	exitUsage   = 2 // the command line was not understood
)

func main() {
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

// run executes one command line and returns its exit code.
func run(args []string, stdout, stderr io.Writer) int {
	root := newRoot()
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	cmd, err := root.ExecuteC()
	if err == nil {
		return exitOK
	}
	say(stderr, "dlm: %v\n", err)
	if fail := (*failure)(nil); errors.As(err, &fail) {
		return exitFailure
	}
	say(stderr, "See '%s --help'.\n", cmd.CommandPath())
	return exitUsage
}

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:           "dlm",
		Short:         "A lock server and its tools",
		Version:       readBuild().String(),
		SilenceUsage:  true,
		SilenceErrors: true,
		RunE:          showHelp,
	}
	root.SetVersionTemplate("{{.Version}}\n")
	root.AddCommand(newServerCommand(), newSnapshotCommand(), newPromoteCommand(), newReinstateCommand(), newHealthCommand(), newBenchCommand(), newTokenCommand(), newVersionCommand())
	root.AddCommand(manCommands()...)
	return root
}

// showHelp is what a command with subcommands does when none is given.
func showHelp(cmd *cobra.Command, _ []string) error { return cmd.Help() }

// failure marks an error of a command that was understood. Every other error
// that comes out of cobra is about the command line itself.
type failure struct{ err error }

func (f *failure) Error() string { return f.err.Error() }
func (f *failure) Unwrap() error { return f.err }

// action adapts a command's work to cobra and marks its errors as failures.
func action(work func(cmd *cobra.Command) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, _ []string) error {
		if err := work(cmd); err != nil {
			return &failure{err}
		}
		return nil
	}
}
