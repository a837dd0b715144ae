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
	"dlm/engine"
)

// promotion has the arguments of `dlm promote`.
type promotion struct {
	addr      string // HTTP address of the backup
	token     string // of an admin; empty: none
	oldIsDead bool
	wait      time.Duration // for the old primary to confirm that it stopped
}

func newPromoteCommand() *cobra.Command {
	var p promotion
	cmd := &cobra.Command{
		Use:   "promote",
		Short: "Make a backup the primary",
		Long: "Make a backup the primary. The backup stops the old primary first, and goes on only if that\n" +
			"confirms, or refuses connections since it does not run. It asks until then, and tells what it\n" +
			"waits for. A primary that can't be reached at all within --timeout may be alive behind a broken\n" +
			"network: --old-is-dead goes on without asking, and no lock is held twice only if it really is\n" +
			"dead.\n\n" +
			"The token of an admin is taken from DLM_TOKEN. Without it, that of a server without tokens on\n" +
			"this machine is found, if this user runs it; the backup finds that of its primary likewise.",
		Args: cobra.NoArgs,
		RunE: action(func(cmd *cobra.Command) error {
			if p.token = os.Getenv(settings.EnvToken); p.token == "" {
				p.token = admintoken.Find(strings.TrimPrefix(strings.TrimRight(p.addr, "/"), "http://"))
			}
			line, err := p.post(cmd.Context(), cmd.ErrOrStderr())
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), line)
			return err
		}),
	}
	cmd.Flags().StringVar(&p.addr, "http", "127.0.0.1:7421", "HTTP `ADDR` of the backup, host:port")
	cmd.Flags().BoolVar(&p.oldIsDead, "old-is-dead", false, "do not ask the old primary")
	cmd.Flags().DurationVar(&p.wait, "timeout", engine.PromoteWait, "`TIME` in which the old primary must confirm that it stopped, or refuse connections")
	return cmd
}

// loadWait is the longest time from the stop of the old primary to the end of the promotion. In it
// the backup fetches and loads the last image.
const loadWait = 10 * time.Minute

// post asks the backup to promote itself and writes to progress what it waits for. It returns what
// the new primary serves.
func (p *promotion) post(ctx context.Context, progress io.Writer) (string, error) {
	base := strings.TrimRight(p.addr, "/")
	if !strings.Contains(base, "://") {
		base = "http://" + base
	}
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
	res, err := (&http.Client{Timeout: p.wait + loadWait}).Do(req)
	if err != nil {
		return "", fmt.Errorf("%w: the backup's HTTP address is given with --http", err)
	}
	defer func() { _ = res.Body.Close() }() // it was only read
	text, err := io.ReadAll(io.LimitReader(res.Body, 10_000))
	line := strings.TrimSpace(string(text))
	switch {
	case err != nil:
	case (res.StatusCode == http.StatusUnauthorized || res.StatusCode == http.StatusForbidden) && p.token == "":
		err = fmt.Errorf("%s: put a token with the role admin into %s, or, if the server has no tokens, be the user that runs it", line, settings.EnvToken)
	case res.StatusCode == http.StatusForbidden:
		err = fmt.Errorf("%s: the token of %s is not one with the role admin there", line, settings.EnvToken)
	case res.StatusCode != http.StatusOK:
		err = errors.New(line)
	}
	return line, err
}
