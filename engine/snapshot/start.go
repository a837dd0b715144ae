package snapshot

import (
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"dlm/codec"
)

// ServerState is what the server of a data directory is. START calls it the role.
type ServerState string

// The states of a server. START has these words.
const (
	Primary     ServerState = "primary"   // its server decides who gets a lock
	Following   ServerState = "following" // of a backup
	SteppedDown ServerState = "deposed"   // a backup has taken over
)

// Start is the file START. It says what a start promises before it serves, so that the next start
// can rely on it, whatever happens in between.
type Start struct {
	Lineage      Lineage
	Seed         uint64
	Number       uint64      // of the start, from 1
	TokenStart   codec.Token // every token of this start is larger
	TokenCeiling codec.Token // and none is larger than this
	TTLLimitMs   uint32      // longest TTL that a hold can have
	State        ServerState
	CleanImage   string // name of the image that a clean stop wrote last; empty: none
	// Successor is the only backup that may take over when the state is SteppedDown; zero allows
	// any. Each backup has its own random Lineage until it is promoted.
	Successor Lineage
}

const (
	startName    = "START"
	startVersion = 2
)

var startHead = fmt.Sprintf("dlm-start %d\n", startVersion)

// ErrVersion is in errors about a file that another version of dlm has written.
var ErrVersion = errors.New("use the dlm that wrote it")

func (s *Start) encode() []byte {
	b := []byte(startHead)
	for _, kv := range [][2]string{
		{"lineage", s.Lineage.String()},
		{"seed", fmt.Sprintf("%016x", s.Seed)},
		{"start", strconv.FormatUint(s.Number, 10)},
		{"token_start", strconv.FormatUint(uint64(s.TokenStart), 10)},
		{"token_ceiling", strconv.FormatUint(uint64(s.TokenCeiling), 10)},
		{"ttl_limit_ms", strconv.FormatUint(uint64(s.TTLLimitMs), 10)},
		{"role", string(s.State)},
		{"clean_image", s.CleanImage},
		{"taker", s.Successor.String()},
	} {
		b = fmt.Appendf(b, "%s=%s\n", kv[0], kv[1])
	}
	return fmt.Appendf(b, "crc32c=%08x\n", crc32.Checksum(b, castagnoli))
}

// decodeStart is strict: it refuses a text that encode would not write.
func decodeStart(b []byte) (s Start, err error) {
	if !bytes.HasPrefix(b, []byte(startHead)) {
		var version int
		if n, _ := fmt.Sscanf(string(b), "dlm-start %d\n", &version); n == 1 {
			return s, fmt.Errorf("line 1: format version %d, this dlm knows %d (%w)", version, startVersion, ErrVersion)
		}
		return s, errors.New("line 1: this is no START of dlm")
	}
	value := func(n int, key string) string {
		lines := strings.Split(string(b), "\n")
		if n >= len(lines) || !strings.HasPrefix(lines[n], key+"=") {
			err = firstError(err, fmt.Errorf("line %d: %s= is missing", n+1, key))
			return ""
		}
		return lines[n][len(key)+1:]
	}
	number := func(n int, key string, base, bits int) uint64 {
		v, bad := strconv.ParseUint(value(n, key), base, bits)
		if bad != nil {
			err = firstError(err, fmt.Errorf("line %d: %s is no number", n+1, key))
		}
		return v
	}
	lineage := func(n int, key string) (l Lineage) {
		l, bad := ParseLineage(value(n, key))
		if bad != nil {
			err = firstError(err, fmt.Errorf("line %d: %s: %w", n+1, key, bad))
		}
		return l
	}
	s.Lineage = lineage(1, "lineage")
	s.Seed = number(2, "seed", 16, 64)
	s.Number = number(3, "start", 10, 64)
	s.TokenStart = codec.Token(number(4, "token_start", 10, 53))
	s.TokenCeiling = codec.Token(number(5, "token_ceiling", 10, 53))
	s.TTLLimitMs = uint32(number(6, "ttl_limit_ms", 10, 32))
	s.State = ServerState(value(7, "role"))
	s.CleanImage = value(8, "clean_image")
	s.Successor = lineage(9, "taker")
	if !slices.Contains([]ServerState{Primary, Following, SteppedDown}, s.State) {
		err = firstError(err, fmt.Errorf("line 8: unknown role"))
	}
	if err == nil && !bytes.Equal(b, s.encode()) {
		err = fmt.Errorf("line 11: the checksum does not fit")
	}
	return s, err
}

func firstError(a, b error) error {
	if a != nil {
		return a
	}
	return b
}

// ReadStart reads START of the directory. If there is none the error is fs.ErrNotExist.
func ReadStart(dir string) (Start, error) {
	path := filepath.Join(dir, startName)
	b, err := os.ReadFile(path)
	if err != nil {
		return Start{}, err
	}
	s, err := decodeStart(b)
	if errors.Is(err, ErrVersion) {
		return Start{}, fmt.Errorf("%s: %w", path, err)
	}
	if err != nil {
		return Start{}, fmt.Errorf("%s: %w (the file is damaged, so the tokens of the last start are not known)", path, err)
	}
	return s, nil
}

// WriteStart replaces START and returns when it is on disk.
func WriteStart(dir string, s *Start) error {
	return replaceFile(filepath.Join(dir, startName), s.encode())
}
