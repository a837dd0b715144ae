package settings

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"

	"github.com/pelletier/go-toml/v2"

	"dlm/cmd/dlm/files"
)

// configFile is a TOML file of settings. Its keys are the names of the flags.
type configFile struct {
	path   string
	values map[string]any
	lines  map[string]int // of each top-level key, from 1
}

// readConfigFile reads the file and returns a problem for every key that is not in known. An
// empty path is an empty file. origin is where the path was given.
func readConfigFile(path, origin string, known []string) (*configFile, []error) {
	f := &configFile{path: path}
	if path == "" {
		return f, nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return f, []error{fmt.Errorf("%s: %w", origin, files.Explain(err))}
	}
	if err := toml.Unmarshal(text, &f.values); err != nil {
		f.values = nil
		return f, []error{tomlError(path, err)}
	}
	f.lines = keyLines(text)
	return f, f.unknown(known)
}

// unknown returns a problem for each key that is not in known, by name.
func (f *configFile) unknown(known []string) (problems []error) {
	for _, key := range sortedKeys(f.values) {
		if !slices.Contains(known, key) {
			problems = append(problems, fmt.Errorf("%s: no such setting%s", f.where(key), didYouMean(key, known)))
		}
	}
	return problems
}

func sortedKeys(table map[string]any) []string { return slices.Sorted(maps.Keys(table)) }

// find is a layer.
func (f *configFile) find(flag string) (text, where string, found bool) {
	value, found := f.values[flag]
	return fmt.Sprint(value), f.where(flag), found
}

func (f *configFile) where(key string) string {
	return fmt.Sprintf("%s:%d: %s", f.path, f.lines[key], key)
}

// keyLines returns the line of each top-level key of a valid document. It decodes strictly into
// a struct without fields, because the decoder then reports every key, with its position.
func keyLines(text []byte) map[string]int {
	lines := map[string]int{}
	var nothing struct{}
	err := toml.NewDecoder(bytes.NewReader(text)).DisallowUnknownFields().Decode(&nothing)
	if missing := (*toml.StrictMissingError)(nil); errors.As(err, &missing) {
		for _, e := range missing.Errors {
			row, _ := e.Position()
			if key := e.Key()[0]; lines[key] == 0 {
				lines[key] = row
			}
		}
	}
	return lines
}

// tomlError adds the place of a syntax error to it.
func tomlError(path string, err error) error {
	if syntax := (*toml.DecodeError)(nil); errors.As(err, &syntax) {
		row, column := syntax.Position()
		return fmt.Errorf("%s:%d:%d: %w", path, row, column, err)
	}
	return fmt.Errorf("%s: %w", path, err)
}
