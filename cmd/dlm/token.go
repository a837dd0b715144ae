package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"dlm/cmd/dlm/settings"
)

func newTokenCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "token",
		Short: "Make tokens for clients",
		Args:  cobra.NoArgs,
		RunE:  showHelp,
	}
	cmd.AddCommand(newTokenNewCommand())
	return cmd
}

func newTokenNewCommand() *cobra.Command {
	var entry settings.TokenEntry
	cmd := &cobra.Command{
		Use:   "new",
		Short: "Print a new token and its entry for the token file",
		Long: "Make a token, and print it with its entry for the file of 'dlm server --token-file'. The entry\n" +
			"goes to the standard output; it holds only a hash. The token goes to the standard error; it is\n" +
			"shown once and stored nowhere.",
		Example: "  dlm token new --name billing --role lock --prefix billing/ >> tokens.toml",
		Args:    cobra.NoArgs,
		RunE: action(func(cmd *cobra.Command) error {
			token := settings.NewToken()
			text, err := entry.Text(token)
			if err != nil {
				return err
			}
			// The entry comes first, because a token whose entry could not be written is of no use.
			if _, err := fmt.Fprintf(cmd.OutOrStdout(), "# The entry for the token file.\n%s", text); err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.ErrOrStderr(), "# The token, for the client. It is not shown again.\n%s\n", token)
			return err
		}),
	}
	fs := cmd.Flags()
	fs.StringVar(&entry.Name, "name", "", "client that gets the token; the server's log shows it")
	fs.StringVar(&entry.Role, "role", "", "read, lock, admin, backup or metrics")
	fs.StringArrayVar(&entry.Prefixes, "prefix", nil, "with role lock: allow only lock names that begin with this; may be repeated")
	fs.StringArrayVar(&entry.Services, "service", nil, "with role lock: allow only service ids that begin with this; may be repeated")
	fs.BoolVar(&entry.RequireToken, "require-token", false, "with role lock: refuse RELEASE and HEARTBEAT without TOKEN")
	fs.IntVar(&entry.Locks, "locks", 0, "with --service: most locks that these services hold; 0 for no limit")
	fs.IntVar(&entry.Waiters, "waiters", 0, "with --service: most requests of these services that wait; 0 for no limit")
	fs.IntVar(&entry.Connections, "connections", 0, "most connections with this token; 0 for no limit")
	must(cmd.MarkFlagRequired("name"))
	must(cmd.MarkFlagRequired("role"))
	return cmd
}

// must panics on an error that only a mistake in this program can cause.
func must(err error) {
	if err != nil {
		panic("BUG: " + err.Error())
	}
}
