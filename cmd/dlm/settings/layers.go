package settings

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/pflag"
)

// lateValue is a flag that keeps its text and is parsed only when every
// source has been looked at. pflag by itself stops at the first bad value;
// this way all bad values, of all sources, are reported together.
type lateValue struct {
	text  string // of the command line, or the default as help shows it
	kind  string // what help calls the value; "bool" needs no value
	parse func(text string) error
}

func (v *lateValue) String() string        { return v.text }
func (v *lateValue) Type() string          { return v.kind }
func (v *lateValue) Set(text string) error { v.text = text; return nil }

// addLate adds a flag to fs. The value that it sets must hold its default
// already: parse is called only if a source has the flag.
func addLate(fs *pflag.FlagSet, name, kind, def, help string, parse func(string) error) {
	f := fs.VarPF(&lateValue{text: def, kind: kind, parse: parse}, name, "", help)
	if kind == "bool" {
		f.NoOptDefVal = "true"
	}
}

// layer is a source of values beside the command line. It returns the text
// for a flag, and where it stands in words for an error message.
type layer func(flag string) (text, where string, found bool)

// resolve parses every late flag of fs from the first source that has it: the
// command line, then the layers in their order. It returns where each value
// came from, by flag name, and all problems.
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

// Problems is one error made of everything that is wrong with the settings.
type Problems []error

func (p Problems) Error() string {
	if len(p) == 1 {
		return p[0].Error()
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%d problems:", len(p))
	for _, err := range p {
		fmt.Fprintf(&b, "\n  %v", err)
	}
	return b.String()
}

func (p Problems) Unwrap() []error { return p }

// OrNil returns the list as an error, nil if it is empty.
func (p Problems) OrNil() error {
	if len(p) == 0 {
		return nil
	}
	return p
}

// flatten takes an error made by errors.Join apart.
func flatten(err error) []error {
	var joined interface{ Unwrap() []error }
	switch {
	case err == nil:
		return nil
	case errors.As(err, &joined):
		return joined.Unwrap()
	}
	return []error{err}
}
