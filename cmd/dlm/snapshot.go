package main

import (
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"dlm/cmd/dlm/files"
	"dlm/codec"
	"dlm/engine/snapshot"
)

func newSnapshotCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "snapshot",
		Short: "Inspect and check the images of a data directory",
		Args:  cobra.NoArgs,
		RunE:  showHelp,
	}
	cmd.AddCommand(newInspectCommand(), newVerifyCommand())
	return cmd
}

func newInspectCommand() *cobra.Command {
	var asJSON, holds bool
	cmd := &cobra.Command{
		Use:   "inspect FILE",
		Short: "Show what is in an image",
		Args:  cobra.ExactArgs(1),
		RunE: actionOn(func(cmd *cobra.Command, file string) error {
			return withImage(file, func(img *snapshot.Image) error {
				if err := img.Verify(); err != nil {
					return err
				}
				out := cmd.OutOrStdout()
				if err := describeImage(out, img, asJSON); err != nil || !holds {
					return err
				}
				return listHolds(out, img)
			})
		}),
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.Flags().BoolVar(&holds, "holds", false, "also list the holds, one per line")
	cmd.MarkFlagsMutuallyExclusive("json", "holds")
	return cmd
}

// actionOn is action for a command with one argument.
func actionOn(work func(cmd *cobra.Command, arg string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		return action(func(cmd *cobra.Command) error { return work(cmd, args[0]) })(cmd, args)
	}
}

func withImage(file string, do func(*snapshot.Image) error) error {
	img, err := snapshot.Open(file)
	if err != nil {
		return files.Explain(err)
	}
	defer func() { _ = img.Close() }() // it was only read
	return do(img)
}

// imageFacts is the output of inspect. It leaves out the seed of the hash, which is secret.
type imageFacts struct {
	Version      uint32      `json:"format_version"`
	Start        uint64      `json:"start"`
	Number       uint64      `json:"number"`
	Lineage      string      `json:"lineage"`
	Begun        time.Time   `json:"begun"`
	Grace        bool        `json:"written_in_grace"`
	Holds        uint64      `json:"holds"`
	Bytes        uint64      `json:"bytes"`
	TokenStart   codec.Token `json:"token_start"`
	TokenCeiling codec.Token `json:"token_ceiling"`
	TTLLimitMs   uint32      `json:"ttl_limit_ms"`
}

func describeImage(out io.Writer, img *snapshot.Image, asJSON bool) error {
	h := img.Header()
	facts := imageFacts{snapshot.Version, h.Start, h.Number, h.Lineage.String(), time.Unix(0, h.WallTime).UTC(), h.Grace, h.Holds, h.Length,
		h.TokenStart, h.TokenCeiling, h.TTLLimitMs}
	if asJSON {
		enc := json.NewEncoder(out)
		enc.SetIndent("", "  ")
		return enc.Encode(facts)
	}
	_, err := fmt.Fprintf(out, "format version %d\nstart          %d\nimage          %d\nlineage        %s\nbegun          %s\nin a grace     %v\n"+
		"holds          %d\nbytes          %d\ntoken start    %d\ntoken ceiling  %d\nTTL limit      %d ms\n",
		facts.Version, facts.Start, facts.Number, facts.Lineage, facts.Begun.Format(time.RFC3339Nano), facts.Grace, facts.Holds, facts.Bytes,
		facts.TokenStart, facts.TokenCeiling, facts.TTLLimitMs)
	return err
}

// listHolds writes the holds as LOCKS does.
func listHolds(out io.Writer, img *snapshot.Image) error {
	var s codec.ShardImage
	var h codec.HoldImage
	now := img.Header().TableTime
	for i := range codec.Shards {
		if err := img.Section(i, &s); err != nil {
			return err
		}
		for k := range s.Len() {
			s.At(k, &h)
			line := append(codec.AppendQuoted([]byte("lock="), h.Name), " owner="...)
			line = codec.AppendQuoted(line, h.Service)
			line = fmt.Appendf(line, " token=%d count=%d lease_ms=%d", h.Token, h.Count, max(0, h.Deadline-now)/int64(time.Millisecond))
			switch {
			case h.Flags&codec.HoldShared != 0:
				line = append(line, " mode=shared"...)
			case h.Flags&codec.HoldPermits != 0:
				line = fmt.Appendf(line, " mode=permits permits=%d", h.Permits)
			}
			if h.Count == 0 {
				line = fmt.Appendf(line[:0], "%s token=%d ended", codec.AppendQuoted([]byte("lock="), h.Name), h.Token)
			}
			if _, err := fmt.Fprintf(out, "%s\n", line); err != nil {
				return err
			}
		}
	}
	return nil
}
