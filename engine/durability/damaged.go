package durability

import (
	"errors"
	"fmt"
	"path/filepath"

	"dlm/engine/snapshot"
)

// openNewest opens the image that a start begins with; nil if the directory has none. With
// RecoverOlder that is the newest sound image, and older reports whether a damaged image was passed
// over. Damaged images are renamed, so that the setting does nothing at the next start. It may stay
// in a unit file without going back by one image each time.
func openNewest(cfg *Config, dir *snapshot.Dir) (img *snapshot.Image, older bool, err error) {
	names, err := dir.Images()
	if err != nil || len(names) == 0 {
		return nil, false, err
	}
	if !cfg.RecoverOlder {
		img, err = snapshot.Open(filepath.Join(dir.Path(), names[0]))
		if file := (*snapshot.FileError)(nil); errors.As(err, &file) && file.Damaged {
			file.Advice = snapshot.AdviceDamaged // its name says that it was an image
		}
		return img, false, err
	}
	var problems []error
	for i, name := range names {
		img, err := openSound(filepath.Join(dir.Path(), name))
		if err == nil {
			return img, i > 0, setAside(cfg, dir, names[:i], name)
		}
		if file := (*snapshot.FileError)(nil); !errors.As(err, &file) || !file.Damaged {
			return nil, false, err // it may be sound: of a newer version, or not for us to read
		}
		problems = append(problems, err)
	}
	return nil, false, fmt.Errorf("--recover older: no image in %s is sound; %s\n%w", dir.Path(), beginAnew(dir), errors.Join(problems...))
}

// openSound opens an image and checks every byte of it.
func openSound(path string) (*snapshot.Image, error) {
	img, err := snapshot.Open(path)
	if err != nil {
		return nil, err
	}
	if err := img.Verify(); err != nil {
		return nil, errors.Join(err, img.Close())
	}
	return img, nil
}

// setAside renames the damaged images that are newer than the one to start from.
func setAside(cfg *Config, dir *snapshot.Dir, damaged []string, from string) error {
	if len(damaged) == 0 {
		cfg.Log.Info("recover: the newest image is sound, so the server starts from it", "event", "recover-not-needed", "image", from)
	}
	for _, name := range damaged {
		aside, err := dir.SetAside(name)
		if err != nil {
			return fmt.Errorf("--recover older: %w", err)
		}
		cfg.Log.Warn("a damaged image was set aside; the server starts from an older one, which lacks later changes", "event", "image-set-aside", "damaged", aside, "from", from)
	}
	return nil
}
