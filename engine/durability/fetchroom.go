package durability

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"golang.org/x/sys/unix"
)

// roomShare is the part of the free disk that a fetched image may take, in percent: a backup must
// not fill the disk on which START is.
const roomShare = 90

// checkBody returns an error if the body of an answer can't be the rest of an image of which has
// bytes are there, or has no room. It decides before the first byte is read.
func checkBody(res *http.Response, has int64, dir string) error {
	switch {
	case res.Header.Get("Content-Encoding") != "":
		return fmt.Errorf("it sends an image with Content-Encoding %.40q, which the backup did not ask for", res.Header.Get("Content-Encoding"))
	case res.ContentLength < 0:
		return errors.New("it does not send the length of its image")
	case res.StatusCode == http.StatusPartialContent && !strings.HasPrefix(res.Header.Get("Content-Range"), fmt.Sprintf("bytes %d-", has)):
		return fmt.Errorf("it sends the range %.80q of an image, and the backup asked for the bytes from %d on", res.Header.Get("Content-Range"), has)
	}
	return checkRoom(res.ContentLength, dir)
}

// checkRoom returns an error if so many bytes are more than an image may take of the disk.
func checkRoom(bytes int64, dir string) error {
	var disk unix.Statfs_t
	if err := unix.Statfs(dir, &disk); err != nil {
		return fmt.Errorf("free disk of %s: %w", dir, err)
	}
	free := uint64(disk.Bavail) * uint64(disk.Bsize)
	if uint64(bytes) > free/100*roomShare {
		return fmt.Errorf("an image of %d bytes does not fit: %d are free in %s, and it may take %d %% of them", bytes, free, dir, roomShare)
	}
	return nil
}
