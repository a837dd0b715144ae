package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"dlm/cmd/dlm/admin"
	"dlm/cmd/dlm/admintoken"
	"dlm/cmd/dlm/settings"
	"dlm/engine/durability"
)

// promotion has the arguments of `dlm promote`.
type promotion struct {
	addr      string // HTTP address of the backup
	ca        string // file with the authorities of its certificate; empty: those of the system
	token     string // of an admin; empty: none
	oldIsDead bool
	wait      time.Duration // for the old primary to confirm that it stopped
}

func newPromoteCommand() *cobra.Command {
	var p promotion
	cmd := &cobra.Command{
		Use:   "promote",
		Short: "Make a backup the primary",
		Long: "Make a backup the primary. The backup first asks the old primary to stop, and reports what it\n" +
			"is waiting for. It goes on if\n\n" +
			"  - the old primary confirms that it stopped, or\n" +
			"  - the connection is refused, because no server runs there.\n\n" +
			"If neither happens within --timeout, the promotion fails, because the old primary may be alive\n" +
			"beyond a broken network. --old-is-dead promotes without asking. If the old primary is alive\n" +
			"nevertheless, two servers grant the same locks.\n\n" +
			"DLM_TOKEN holds an admin token that is valid on both servers. For servers without tokens that\n" +
			"this user runs on this machine, the command finds the token itself.",
		Args: cobra.NoArgs,
		RunE: action(func(cmd *cobra.Command) error {
			if p.token = os.Getenv(settings.EnvToken); p.token == "" {
				_, at, _ := strings.Cut(baseURL(p.addr), "://")
				p.token = admintoken.Find(at)
			}
			line, err := p.post(cmd.Context(), cmd.ErrOrStderr())
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), line)
			return err
		}),
	}
	cmd.Flags().StringVar(&p.addr, "http", "127.0.0.1:7421", "HTTP `ADDR` of the backup, host:port or https://host:port")
	cmd.Flags().StringVar(&p.ca, "ca", "", caHelp)
	cmd.Flags().BoolVar(&p.oldIsDead, "old-is-dead", false, "promote without asking the old primary, which must be dead")
	cmd.Flags().DurationVar(&p.wait, "timeout", durability.PromoteWait, "`TIME` to wait for the old primary to stop")
	return cmd
}

// loadWait is the longest time from the stop of the old primary to the end of the promotion. In it
// the backup fetches and loads the last image.
const loadWait = 10 * time.Minute

// post asks the backup to promote itself and writes to progress what it waits for. It returns what
// the new primary serves.
func (p *promotion) post(ctx context.Context, progress io.Writer) (string, error) {
	base := baseURL(p.addr)
	query := url.Values{"timeout": {p.wait.String()}}
	if p.oldIsDead {
		query.Set("old_is_dead", "true")
	}
	if ctx == nil {
		ctx = context.Background()
	}
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{Got1xxResponse: func(_ int, header textproto.MIMEHeader) error {
		if line := header.Get(admin.HeaderProgress); line != "" {
			fmt.Fprintln(progress, line)
		}
		return nil
	}})
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, base+"/promote?"+query.Encode(), nil)
	if err != nil {
		return "", err
	}
	if p.token != "" {
		req.Header.Set("Authorization", "Bearer "+p.token)
	}
	transport, err := transportFor(p.ca)
	if err != nil {
		return "", err
	}
	res, err := askHTTP(&http.Client{Timeout: p.wait + loadWait, Transport: transport}, req)
	if err != nil {
		return "", err
	}
	defer func() { _ = res.Body.Close() }() // it was only read
	text, err := io.ReadAll(io.LimitReader(res.Body, 10_000))
	line := withTLSAdvice(strings.TrimSpace(string(text)))
	switch {
	case err != nil:
	case (res.StatusCode == http.StatusUnauthorized || res.StatusCode == http.StatusForbidden) && p.token == "":
		err = fmt.Errorf("%s: put an admin token into %s, or, if the server has no tokens, run this as the user that runs the server", line, settings.EnvToken)
	case res.StatusCode == http.StatusUnauthorized:
		err = fmt.Errorf("%s: the server does not know the token in %s", line, settings.EnvToken)
	case res.StatusCode == http.StatusForbidden:
		err = fmt.Errorf("%s: the token in %s does not have the role admin there", line, settings.EnvToken)
	case res.StatusCode != http.StatusOK:
		err = errors.New(line)
	}
	return line, err
}
