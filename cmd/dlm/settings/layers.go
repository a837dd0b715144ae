package settings

import (
	"fmt"

	"github.com/spf13/pflag"
)

// lateValue is a flag that keeps its text until every source has been read, and is parsed then.
// pflag stops at the first bad value. With lateValue, the bad values of all sources are reported
// together.
type lateValue struct {
	text  string // of the command line, or the default as the help text shows it
	kind  string // the help text's word for the value; a "bool" flag may stand without one
	parse func(text string) error
}

func (v *lateValue) String() string        { return v.text }
func (v *lateValue) Type() string          { return v.kind }
func (v *lateValue) Set(text string) error { v.text = text; return nil }

// addLate adds a flag to fs. The value that parse sets must hold its default already, because
// parse is called only if a source has the flag.
func addLate(fs *pflag.FlagSet, name, kind, def, help string, parse func(string) error) {
	f := fs.VarPF(&lateValue{text: def, kind: kind, parse: parse}, name, "", help)
	if kind == "bool" {
		f.NoOptDefVal = "true"
	}
}

// layer is a source of values beside the command line. It returns the text for a flag, and its
// place in the words of an error message.
type layer func(flag string) (text, where string, found bool)

// resolve parses every late flag of fs from the first source that has it: the command line, then
// the layers in their order. It returns where each value came from, by flag name, and all
// problems.
func resolve(fs *pflag.FlagSet, layers ...layer) (origins map[string]string, problems []error) {
	origins = map[string]string{}
	fs.VisitAll(func(f *pflag.Flag) {
		value, late := f.Value.(*lateValue)
		if !late {
			return
		}
		text, where, found := value.text, "--"+f.Name, f.Changed
		for i := 0; !found && i < len(layers); i++ {
			text, where, found = layers[i](f.Name)
		}
		if !found {
			return
		}
		origins[f.Name] = where
		if err := value.parse(text); err != nil {
			problems = append(problems, fmt.Errorf("%s: %w", where, err))
		}
	})
	return origins, problems
}

// lateNames returns the names of the late flags of fs.
func lateNames(fs *pflag.FlagSet) (names []string) {
	fs.VisitAll(func(f *pflag.Flag) {
		if _, late := f.Value.(*lateValue); late {
			names = append(names, f.Name)
		}
	})
	return names
}
