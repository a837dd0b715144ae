package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"dlm/engine/durability"
)

func newReinstateCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "reinstate DIR",
		Short: "Let the old primary of a promotion start again",
		Long: "Let the old primary of a promotion start again. A promotion marks the data directory of the old\n" +
			"primary as deposed, so that it never serves beside the new primary. This command removes the\n" +
			"mark. Use it only if no other server serves these locks: the promotion was a mistake, or the\n" +
			"promoted server is gone for good. Otherwise two servers grant the same locks.\n\n" +
			"The next start begins with a recovery grace. Holds that the promoted server granted are kept if\n" +
			"their holders show their tokens.",
		Args: cobra.ExactArgs(1),
		RunE: actionOn(func(cmd *cobra.Command, dir string) error {
			line, err := durability.Reinstate(dir)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), line)
			return err
		}),
	}
}
