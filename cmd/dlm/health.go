package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

const (
	healthWait    = 5 * time.Second // for the answer of a probe
	healthTextMax = 4 << 10         // bytes of it that are shown
)

func newHealthCommand() *cobra.Command {
	var addr, ca string
	var ready bool
	cmd := &cobra.Command{
		Use:   "health",
		Short: "Ask a server whether it is alive",
		Long: "Ask a server's HTTP side whether it is alive, or with --ready whether clients can be sent\n" +
			"there. The exit code is 0 for yes and 1 for no. Container images have no other program that\n" +
			"could ask.",
		Args: cobra.NoArgs,
		RunE: action(func(cmd *cobra.Command) error {
			return askHealth(cmd.Context(), cmd.OutOrStdout(), addr, ca, ready)
		}),
	}
	cmd.Flags().StringVar(&addr, "http", "127.0.0.1:7421", "`ADDR` of the server's --http or --health, host:port or https://host:port")
	cmd.Flags().StringVar(&ca, "ca", "", caHelp)
	cmd.Flags().BoolVar(&ready, "ready", false, "ask /readyz instead of /livez")
	return cmd
}

// askHealth writes the answer of a probe to out. It returns an error unless the answer is 200.
func askHealth(ctx context.Context, out io.Writer, addr, ca string, ready bool) error {
	ctx, cancel := context.WithTimeout(ctx, healthWait)
	defer cancel()
	probe := "/livez"
	if ready {
		probe = "/readyz"
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, baseURL(addr)+probe, nil)
	if err != nil {
		return err
	}
	transport, err := transportFor(ca)
	if err != nil {
		return err
	}
	res, err := askHTTP(&http.Client{Transport: transport}, req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(io.LimitReader(res.Body, healthTextMax))
	if err != nil {
		return err
	}
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("%s of %s answers %d: %s", probe, addr, res.StatusCode, withTLSAdvice(strings.TrimSpace(string(text))))
	}
	_, err = fmt.Fprintln(out, strings.TrimSpace(string(text)))
	return err
}
