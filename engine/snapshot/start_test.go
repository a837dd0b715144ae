package snapshot

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestStart(t *testing.T) {
	dir := t.TempDir()
	if _, err := ReadStart(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("without a file: %v", err)
	}
	for _, s := range []Start{
		{Lineage: Lineage{9}, Seed: 77, Number: 1, TokenStart: 5, TokenCeiling: 6, TTLLimitMs: 100, State: Primary},
		{Lineage: Lineage{15: 1}, Seed: 1 << 63, Number: 2, TokenStart: 1 << 52, TokenCeiling: 1<<53 - 1, TTLLimitMs: 30_000,
			State: SteppedDown, CleanImage: FileName(2, 9), Successor: Lineage{7}},
	} {
		if err := WriteStart(dir, &s); err != nil {
			t.Fatal(err)
		}
		if got, err := ReadStart(dir); err != nil || got != s {
			t.Errorf("%+v %v, want %+v", got, err, s)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*"+partial)); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}

// TestStartOfAnotherVersionIsNotDamaged: the advice is another program, not another directory.
func TestStartOfAnotherVersionIsNotDamaged(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, startName), []byte("dlm-start 99\nwhatever=1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := ReadStart(dir)
	if !errors.Is(err, ErrVersion) || strings.Contains(err.Error(), "damaged") || !strings.Contains(err.Error(), "format version 99, this dlm knows 2") {
		t.Error(err)
	}
}

// TestDamagedStart changes every byte and cuts the file at every length.
func TestDamagedStart(t *testing.T) {
	s := Start{Lineage: Lineage{9}, Seed: 77, Number: 12, TokenStart: 5, TokenCeiling: 6, TTLLimitMs: 100, State: Primary}
	whole := s.encode()
	for at := range whole {
		for flip := 1; flip < 256; flip++ {
			b := bytes.Clone(whole)
			b[at] ^= byte(flip)
			if got, err := decodeStart(b); err == nil {
				t.Fatalf("byte %d changed by %x: read as %+v", at, flip, got)
			}
		}
		if _, err := decodeStart(whole[:at]); err == nil {
			t.Fatalf("cut at %d: no error", at)
		}
	}
	for _, b := range [][]byte{nil, append(bytes.Clone(whole), '\n'), bytes.ReplaceAll(whole, []byte("\n"), []byte("\r\n"))} {
		if _, err := decodeStart(b); err == nil {
			t.Errorf("%q: no error", b)
		}
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, startName), bytes.Replace(whole, []byte("seed="), []byte("sead="), 1), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadStart(dir); err == nil || !strings.Contains(err.Error(), "line 3") || !strings.Contains(err.Error(), dir) {
		t.Errorf("the error names neither file nor line: %v", err)
	}
}
