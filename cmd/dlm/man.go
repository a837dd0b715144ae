//go:build man

package main

import (
	"os"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
)

// manCommands returns the command that writes the manual. It is in builds with the tag man alone,
// because its libraries are of no use to a server.
func manCommands() []*cobra.Command {
	return []*cobra.Command{{
		Use:   "man DIR",
		Short: "Write the manual pages into DIR",
		Args:  cobra.ExactArgs(1),
		RunE: action(func(cmd *cobra.Command) error {
			dir := cmd.Flags().Arg(0)
			root := cmd.Root()
			root.RemoveCommand(cmd)
			root.DisableAutoGenTag = true
			server, _, err := root.Find([]string{"server"})
			if err != nil {
				return err
			}
			// The default depends on the machine, so the manual has none.
			server.Flags().Lookup("loops").DefValue = ""
			if err := os.MkdirAll(dir, 0o755); err != nil {
				return err
			}
			header := &doc.GenManHeader{Title: "DLM", Section: "1", Source: "dlm " + readBuild().version, Manual: "dlm"}
			return doc.GenManTree(root, header, dir)
		}),
	}}
}
