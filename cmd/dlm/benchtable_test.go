package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"dlm/bench"
)

// TestBenchTableIsAsGoldenFile prints the report whose JSON form is a golden file of package bench.
func TestBenchTableIsAsGoldenFile(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(repository, "bench", "testdata", "report.json"))
	if err != nil {
		t.Fatal(err)
	}
	var r bench.Report
	if err := json.Unmarshal(text, &r); err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile(filepath.Join("testdata", "bench.txt"))
	if err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	if err := writeTable(&got, &r); err != nil || got.String() != string(want) {
		t.Errorf("%v; got\n%s", err, got.String())
	}
}
