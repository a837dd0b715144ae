//go:build !man

package main

import "github.com/spf13/cobra"

// manCommands returns nothing in a build without the tag man.
func manCommands() []*cobra.Command { return nil }
