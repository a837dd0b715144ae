package snapshot

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"dlm/codec"
)

// sample is a header with a value of its own in every field.
func sample() Header {
	return Header{Lineage: Lineage{1, 2, 3, 15: 16}, Start: 3, Number: 17, Seed: 0x1122334455667788, TableTime: 5_000_000_000,
		WallTime: 1_700_000_000_000_000_000, TokenStart: 1000, TokenCeiling: 1000 + 1<<40, TTLLimitMs: 30_000, Grace: true}
}

// sampleHolds are the holds of the sample image, by shard.
var sampleHolds = map[uint8][]codec.HoldImage{
	7: {
		{Token: 1001, Deadline: 31_000_000_000, Since: 1_000_000_000, TTLMs: 30_000, Count: 2, Name: []byte("nightly report"),
			Service: []byte("billing-1"), Meta: []byte("host a")},
		{Token: 1003, Deadline: 6_000_000_000, TTLMs: 1000, Count: 1, Flags: codec.HoldConfirmed, Name: []byte{0, 0xff}, Service: []byte("b")},
		{Token: 1004, Deadline: 7_000_000_000, TTLMs: 1000, Count: 1, Flags: codec.HoldShared, Name: []byte("index"), Service: []byte("reader-1")},
		{Token: 1005, Deadline: 8_000_000_000, TTLMs: 1000, Count: 2, Flags: codec.HoldShared | codec.HoldRenewed, Name: []byte("index"),
			Service: []byte("reader-2"), Meta: []byte("m")},
	},
	255: {
		{Token: 999, Flags: codec.HoldReleased, Name: []byte("given back"), Service: []byte("c")},
		{Token: 998, Flags: codec.HoldFenced, Name: []byte("forced")},
		{Token: 1006, Deadline: 9_000_000_000, TTLMs: 1000, Count: 3, Flags: codec.HoldPermits, Name: []byte("downloads"), Service: []byte("d"),
			Permits: 5},
	},
}

// sampleRequests are the requests of the sample image, by shard.
var sampleRequests = map[uint8][]codec.RequestImage{
	7: {
		{Token: 1001, Number: 77, Args: 0x01020304, State: codec.RequestGranted, Flags: codec.RequestRepeated,
			Name: []byte("nightly report"), Service: []byte("billing-1"), ID: []byte("r-17")},
		{Token: 1002, Until: 65_000_000_000, Args: 9, Count: 3, State: 3, Name: []byte("x"), Service: []byte("y"), ID: []byte{0}},
	},
	9: {{Until: 61_000_000_000, State: codec.RequestForced, Name: []byte("a"), Service: []byte("b"), ID: []byte("c")}},
}

// write writes an image with the sample's holds and returns its path.
func write(t *testing.T, dir string, h Header) string {
	t.Helper()
	w, err := Create(dir, h)
	if err != nil {
		t.Fatal(err)
	}
	var img codec.ShardImage
	for i := range shards {
		img.Reset(uint8(i), 1000+codec.Token(i), 900)
		for _, hold := range sampleHolds[uint8(i)] {
			img.Append(&hold)
		}
		for _, request := range sampleRequests[uint8(i)] {
			img.AppendRequest(&request)
		}
		if err := w.Shard(&img); err != nil {
			t.Fatal(err)
		}
	}
	path, _, err := w.Commit()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// checkSample fails the test unless the image holds what write has written.
func checkSample(t *testing.T, img *Image, want Header) {
	t.Helper()
	want.Length = headerLen + 3*align
	checkHolds(t, img, want)
	for i := range shards {
		var s codec.ShardImage
		if err := img.Section(i, &s); err != nil || s.RequestCount() != len(sampleRequests[uint8(i)]) {
			t.Fatalf("shard %d has %d requests: %v", i, s.RequestCount(), err)
		}
		for k, w := range sampleRequests[uint8(i)] {
			var q codec.RequestImage
			if s.RequestAt(k, &q); !reflect.DeepEqual(q, w) {
				t.Errorf("shard %d, request %d: %+v, want %+v", i, k, q, w)
			}
		}
	}
}

// checkHolds is checkSample without requests.
func checkHolds(t *testing.T, img *Image, want Header) {
	t.Helper()
	want.Holds = 7
	if img.Header() != want {
		t.Errorf("header %+v, want %+v", img.Header(), want)
	}
	for i := range shards {
		var s codec.ShardImage
		if err := img.Section(i, &s); err != nil {
			t.Fatal(err)
		}
		if s.Shard != uint8(i) || s.Counter != 1000+codec.Token(i) || s.ClaimFloor != 900 || s.Len() != len(sampleHolds[uint8(i)]) {
			t.Errorf("shard %d: %+v", i, s)
		}
		for k, w := range sampleHolds[uint8(i)] {
			var h codec.HoldImage
			s.At(k, &h)
			if h.Token != w.Token || h.Deadline != w.Deadline || h.Since != w.Since || h.TTLMs != w.TTLMs || h.Count != w.Count ||
				h.Flags != w.Flags || h.Permits != w.Permits || !bytes.Equal(h.Name, w.Name) || !bytes.Equal(h.Service, w.Service) || !bytes.Equal(h.Meta, w.Meta) {
				t.Errorf("shard %d, record %d: %+v, want %+v", i, k, h, w)
			}
		}
	}
}

func TestWriteAndOpen(t *testing.T) {
	path := write(t, t.TempDir(), sample())
	if name := filepath.Base(path); name != "image-00000000000000000003-00000000000000000017.dlm" {
		t.Errorf("name %s", name)
	}
	img, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	checkSample(t, img, sample())
	if err := errors.Join(img.Verify(), img.Close()); err != nil {
		t.Error(err)
	}
}

// TestFormatVersion checks the format: this state is written as these bytes.
func TestFormatVersion(t *testing.T) {
	const golden = "testdata/v7.dlm"
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(write(t, t.TempDir(), sample()))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s: the bytes written for the sample have changed", golden)
	}
	img, err := Open(golden)
	if err != nil {
		t.Fatal(err)
	}
	checkSample(t, img, sample())
}

// TestVersion6 reads an image of the version before, which differs in the shards of long names.
func TestVersion6(t *testing.T) {
	img, err := Open("testdata/v6.dlm")
	if err != nil {
		t.Fatal(err)
	}
	checkSample(t, img, sample())
}

// TestVersion5 reads an image of an older version, which has no requests.
func TestVersion5(t *testing.T) {
	img, err := Open("testdata/v5.dlm")
	if err != nil {
		t.Fatal(err)
	}
	want := sample()
	want.Length = headerLen + 2*align
	checkHolds(t, img, want)
	whole, err := os.ReadFile("testdata/v5.dlm")
	if err != nil {
		t.Fatal(err)
	}
	whole[requestsAt] = 1 // reserved in version 5
	resign(whole)
	if _, problem := parse(whole); problem == nil || problem.Offset != requestsAt {
		t.Errorf("a number of requests in version 5: %v", problem)
	}
}

// load checks the bytes of a file as a start would.
func load(b []byte) error {
	img, problem := parse(b)
	if problem != nil {
		return problem
	}
	return img.Verify()
}

// TestDamage changes every byte, cuts the file at every length, and extends it. Each gives an error
// that names an offset within the file.
func TestDamage(t *testing.T) {
	whole, err := os.ReadFile("testdata/v7.dlm")
	if err != nil {
		t.Fatal(err)
	}
	if err := load(whole); err != nil {
		t.Fatal(err)
	}
	refused := func(b []byte, what string, at int) {
		var problem *FileError
		if err := load(b); !errors.As(err, &problem) {
			t.Fatalf("%s at %d: %v", what, at, err)
		} else if problem.Offset < 0 || problem.Offset > int64(len(whole)) {
			t.Fatalf("%s at %d: offset %d", what, at, problem.Offset)
		}
	}
	for at := range whole {
		for _, flip := range []byte{1, 0x80, 0xff} {
			b := bytes.Clone(whole)
			b[at] ^= flip
			refused(b, "flip", at)
		}
		refused(whole[:at], "cut", at)
	}
	refused(append(bytes.Clone(whole), 0), "extended", len(whole))
}

// TestUnfitFiles checks that the error for such a file says what to do.
func TestUnfitFiles(t *testing.T) {
	whole, err := os.ReadFile("testdata/v7.dlm")
	if err != nil {
		t.Fatal(err)
	}
	newer := bytes.Clone(whole)
	newer[8] = Version + 1
	older := bytes.Clone(whole)
	older[8] = 0
	dir := t.TempDir()
	for name, b := range map[string][]byte{
		"not an image of dlm":          []byte("GIF89a"),
		"format version 8":             newer,
		"format version 0":             older,
		"ends within the header":       whole[:5000],
		"the file is too short":        whole[:len(whole)-align],
		"longer than its header":       append(bytes.Clone(whole), make([]byte, align)...),
		"this is not an image of dlm ": nil,
	} {
		path := filepath.Join(dir, "file")
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := Open(path)
		if err == nil || !bytes.Contains([]byte(err.Error()), bytes.TrimSpace([]byte(name))) || !bytes.Contains([]byte(err.Error()), []byte(path)) {
			t.Errorf("want %q, got %v", name, err)
		}
	}
	if _, err := Open(dir); err == nil {
		t.Error("a directory was opened")
	}
}

// TestFailedWrite checks that a failed write keeps the other images and leaves no file.
func TestFailedWrite(t *testing.T) {
	dir := t.TempDir()
	good := write(t, dir, sample())
	h := sample()
	h.Number++
	w, err := Create(dir, h)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.file.Close(); err != nil { // the calls below fail as on a full disk
		t.Fatal(err)
	}
	var img codec.ShardImage
	for i := range shards {
		img.Reset(uint8(i), 1000, 900)
		if i == 9 {
			img.Append(&sampleHolds[7][0])
		}
		if err = w.Shard(&img); err != nil {
			break
		}
	}
	if err == nil {
		t.Fatal("written to a closed file")
	}
	if err := w.Abort(); err != nil {
		t.Error(err)
	}
	names, err := os.ReadDir(dir)
	if err != nil || len(names) != 1 || names[0].Name() != filepath.Base(good) {
		t.Errorf("left: %v %v", names, err)
	}
	again, err := Open(good)
	if err != nil {
		t.Fatal(err)
	}
	checkSample(t, again, sample())
}

// FuzzOpen looks for bytes that pass as an image and are not one, or that make Open panic.
func FuzzOpen(f *testing.F) {
	whole, err := os.ReadFile("testdata/v7.dlm")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole, 0, []byte{1})
	f.Add(whole[:headerLen], entriesAt, []byte{0, 0, 0, 0, 0, 0, 0, 0x80})
	f.Fuzz(func(t *testing.T, b []byte, at int, with []byte) {
		changed := bytes.Clone(b)
		if at >= 0 && at < len(changed) {
			copy(changed[at:], with)
			resign(changed)
		}
		img, problem := parse(changed)
		if problem != nil {
			return
		}
		var s codec.ShardImage
		var h codec.HoldImage
		var q codec.RequestImage
		for i := range shards {
			if img.Section(i, &s) == nil {
				for k := range s.Len() {
					s.At(k, &h)
				}
				for k := range s.RequestCount() {
					s.RequestAt(k, &q)
				}
			}
		}
	})
}
