package main

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

func newPromoteCommand() *cobra.Command {
	var addr string
	var oldIsDead bool
	cmd := &cobra.Command{
		Use:   "promote",
		Short: "Make a backup the primary",
		Long: "Make a backup the primary. The backup stops the old primary first, and goes on only if that\n" +
			"confirms, or refuses connections since it does not run. If it can't be reached at all, it may\n" +
			"be alive behind a broken network: --old-is-dead goes on nevertheless, and no lock is held\n" +
			"twice only if it really is dead. The token is taken from DLM_TOKEN, with the role admin.",
		Args: cobra.NoArgs,
		RunE: action(func(cmd *cobra.Command) error {
			line, err := postPromote(addr, os.Getenv(envToken), oldIsDead)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), line)
			return err
		}),
	}
	cmd.Flags().StringVar(&addr, "http", "127.0.0.1:7421", "HTTP `ADDR` of the backup, host:port")
	cmd.Flags().BoolVar(&oldIsDead, "old-is-dead", false, "do not ask the old primary")
	return cmd
}

// promoteWait is the longest promotion: the last image of the primary is written, fetched and loaded.
const promoteWait = 10 * time.Minute

func postPromote(addr, token string, oldIsDead bool) (string, error) {
	if !strings.Contains(addr, "://") {
		addr = "http://" + addr
	}
	query := url.Values{}
	if oldIsDead {
		query.Set("old_is_dead", "true")
	}
	req, err := http.NewRequest(http.MethodPost, strings.TrimRight(addr, "/")+"/promote?"+query.Encode(), nil)
	if err != nil {
		return "", err
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := (&http.Client{Timeout: promoteWait}).Do(req)
	if err != nil {
		return "", err
	}
	defer func() { _ = res.Body.Close() }() // it was only read
	text, err := io.ReadAll(io.LimitReader(res.Body, 10_000))
	line := strings.TrimSpace(string(text))
	if err == nil && res.StatusCode != http.StatusOK {
		err = errors.New(line)
	}
	return line, err
}
