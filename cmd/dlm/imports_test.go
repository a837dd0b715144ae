package main

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// allowed is the table of imports: the packages of this module, and the other modules, that a
// package may use. A new edge is a decision to be made here.
var allowed = map[string]struct{ own, outside []string }{
	"dlm/codec":             {},
	"dlm/internal/mutants":  {}, // tests alone
	"dlm/internal/script":   {},
	"dlm/internal/testcert": {}, // tests alone
	"dlm/internal/testflag": {},
	"dlm/table/index":       {},
	"dlm/table/wheel":       {},
	"dlm/table":             {own: []string{"dlm/codec", "dlm/table/index", "dlm/table/wheel"}, outside: []string{"github.com/cespare/xxhash/v2"}},
	"dlm/engine/peer":       {},
	"dlm/engine/auth":       {own: []string{"dlm/engine/peer"}},
	"dlm/engine/enginetest": {}, // tests alone
	"dlm/engine/audit":      {own: []string{"dlm/codec", "dlm/engine/peer"}},
	"dlm/engine/events":     {own: []string{"dlm/codec", "dlm/table", "dlm/engine/auth"}},
	"dlm/engine/snapshot":   {own: []string{"dlm/codec"}, outside: []string{"golang.org/x/sys/unix"}},
	"dlm/engine/clock":      {own: []string{"dlm/table"}, outside: []string{"golang.org/x/sys/unix"}},
	"dlm/engine/observe":    {own: []string{"dlm/codec", "dlm/table"}},
	"dlm/engine/transport":  {own: []string{"dlm/engine/peer"}, outside: []string{"github.com/panjf2000/gnet/v2", "golang.org/x/sys/unix"}},
	"dlm/engine/durability": {own: []string{"dlm/codec", "dlm/table", "dlm/engine/clock", "dlm/engine/snapshot"}, outside: []string{"golang.org/x/sys/unix"}},
	"dlm/engine": {own: []string{"dlm/codec", "dlm/table", "dlm/table/index", "dlm/engine/audit", "dlm/engine/auth", "dlm/engine/clock", "dlm/engine/durability", "dlm/engine/events", "dlm/engine/observe", "dlm/engine/snapshot", "dlm/engine/transport"}, outside: []string{
		"github.com/valyala/bytebufferpool", "golang.org/x/sys/unix"}},
	"dlm/bench":         {own: []string{"dlm/codec"}, outside: []string{"github.com/HdrHistogram/hdrhistogram-go", "golang.org/x/sys/unix"}},
	"dlm/bench/hostile": {own: []string{"dlm/bench"}},
	"dlm/bench/floor":   {outside: []string{"github.com/panjf2000/gnet/v2"}},
	"dlm/deploy":        {}, // tests alone
	"dlm/cmd/dlm/admin": {own: []string{"dlm/codec", "dlm/engine", "dlm/engine/audit", "dlm/engine/auth", "dlm/engine/durability", "dlm/engine/observe", "dlm/engine/peer", "dlm/engine/transport", "dlm/table"}, outside: []string{
		"github.com/prometheus/client_golang/prometheus", "github.com/prometheus/client_golang/prometheus/collectors",
		"github.com/prometheus/client_golang/prometheus/promhttp"}},
	"dlm/cmd/dlm/files":      {},
	"dlm/cmd/dlm/certs":      {own: []string{"dlm/cmd/dlm/files"}},
	"dlm/cmd/dlm/logging":    {},
	"dlm/cmd/dlm/admintoken": {},
	"dlm/cmd/dlm/systemd":    {},
	"dlm/cmd/dlm/settings":   {own: []string{"dlm/cmd/dlm/certs", "dlm/cmd/dlm/files", "dlm/codec", "dlm/engine", "dlm/engine/auth", "dlm/engine/durability"}, outside: []string{"github.com/pelletier/go-toml/v2", "github.com/spf13/pflag"}},
	"dlm/cmd/dlm": {own: []string{"dlm/bench", "dlm/codec", "dlm/engine", "dlm/engine/audit", "dlm/engine/auth", "dlm/engine/durability", "dlm/engine/snapshot", "dlm/engine/transport", "dlm/cmd/dlm/admin", "dlm/cmd/dlm/admintoken", "dlm/cmd/dlm/certs", "dlm/cmd/dlm/files", "dlm/cmd/dlm/logging", "dlm/cmd/dlm/settings", "dlm/cmd/dlm/systemd"}, outside: []string{
		"github.com/spf13/cobra", "github.com/spf13/pflag", "golang.org/x/term"}},
}

func TestPackagesImportOnlyWhatTableAllows(t *testing.T) {
	out, err := exec.Command("go", "list", "-pgo=off", "-json=ImportPath,Imports", "dlm/...").Output()
	if err != nil {
		t.Fatal(err)
	}
	seen, unused := 0, []string(nil)
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p struct {
			ImportPath string
			Imports    []string
		}
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		seen++
		rule, known := allowed[p.ImportPath]
		if !known {
			t.Errorf("package %s is not in the table", p.ImportPath)
			continue
		}
		for _, path := range slices.Concat(rule.own, rule.outside) {
			if !slices.Contains(p.Imports, path) {
				unused = append(unused, p.ImportPath+" -> "+path)
			}
		}
		for _, path := range p.Imports {
			standard := !strings.Contains(strings.Split(path, "/")[0], ".") && !strings.HasPrefix(path, "dlm/")
			if !standard && !slices.Contains(rule.own, path) && !slices.Contains(rule.outside, path) {
				t.Errorf("%s imports %s", p.ImportPath, path)
			}
		}
	}
	for _, row := range unused {
		t.Errorf("%s is allowed, and no code uses it", row)
	}
	if seen != len(allowed) {
		t.Errorf("%d packages, %d in the table", seen, len(allowed))
	}
}
