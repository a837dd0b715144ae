package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"dlm/engine"
)

func newReinstateCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "reinstate DIR",
		Short: "Make the data directory of a deposed server a primary's again",
		Long: "Make the data directory of a deposed server a primary's again. A promotion deposes the old\n" +
			"primary, so that it does not start again beside the new one. This takes that back. Do it only\n" +
			"if no backup serves in its place: the server was deposed by mistake, or the backup is gone for\n" +
			"good. Else two servers grant the same locks. The next start with the directory begins with a\n" +
			"recovery grace. What a promoted backup has granted since is known from its holders only, who\n" +
			"show their tokens.",
		Args: cobra.ExactArgs(1),
		RunE: actionOn(func(cmd *cobra.Command, dir string) error {
			line, err := engine.Reinstate(dir)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), line)
			return err
		}),
	}
}
