package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"dlm/cmd/dlm/settings"
	"dlm/engine/snapshot"
)

func newVerifyCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "verify FILE|DIR ...",
		Short: "Check every byte of images, or of all images in a directory",
		Args:  cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := verifyAll(cmd, args); err != nil {
				return &failure{err}
			}
			return nil
		},
	}
}

// verifyAll checks all images that the arguments name, and goes on after a damaged one. It writes a
// line for each sound image and returns the errors of the others.
func verifyAll(cmd *cobra.Command, args []string) error {
	var problems settings.Problems
	for _, arg := range args {
		files, err := imagesOf(arg)
		if err != nil {
			problems = append(problems, err)
		}
		for _, file := range files {
			holds, err := verify(file)
			if err != nil {
				problems = append(problems, err)
				continue
			}
			if _, err := fmt.Fprintf(cmd.OutOrStdout(), "%s: sound, %d holds\n", file, holds); err != nil {
				return err
			}
		}
	}
	return problems.OrNil()
}

// imagesOf returns the images in a directory, the newest first, or the path itself if it is a file.
func imagesOf(path string) (files []string, err error) {
	info, err := os.Stat(path)
	if err != nil || !info.IsDir() {
		return []string{path}, nil // an error is reported when the file is opened
	}
	names, err := snapshot.Images(path)
	if err != nil {
		return nil, err
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("%s: there is no image in this directory", path)
	}
	for _, name := range names {
		files = append(files, filepath.Join(path, name))
	}
	return files, nil
}

// verify checks an image and returns how many holds are in it.
func verify(file string) (holds uint64, err error) {
	err = withImage(file, func(img *snapshot.Image) error {
		holds = img.Header().Holds
		return img.Verify()
	})
	if errors.Is(err, os.ErrNotExist) {
		err = fmt.Errorf("%s: no such file", file)
	}
	return holds, err
}
