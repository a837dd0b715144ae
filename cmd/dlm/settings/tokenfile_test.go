package settings

import (
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"dlm/engine/auth"
)

const (
	hashA = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	hashB = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
)

func TestTokensAreRead(t *testing.T) {
	creds, problems := ParseTokens("t", []byte(`
		[[token]]
		name = "billing"
		role = "lock"
		sha256 = "`+hashA+`"
		prefixes = ["billing/", "shared/"]
		services = ["billing-"]
		require_token = true
		locks = 7
		waiters = 8
		connections = 9
		[[token]]
		name = "ops"
		role = "admin"
		sha256 = "`+strings.ToUpper(hashB)+`"
		[[cert]]
		name = "web"
		role = "lock"
		san = "URI:spiffe://a/web"
		prefixes = ["web/"]
		connections = 3`))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	want := []auth.Credential{
		{Name: "billing", Role: auth.RoleLock, Bounds: auth.Bounds{Prefixes: []string{"billing/", "shared/"}, Services: []string{"billing-"}, RequireToken: true},
			Quota: auth.Quota{Locks: 7, Waiters: 8, Conns: 9}},
		{Name: "ops", Role: auth.RoleAdmin},
		{Name: "web", Role: auth.RoleLock, SAN: "URI:spiffe://a/web", SHA256: auth.CertificateKey("URI:spiffe://a/web"),
			Bounds: auth.Bounds{Prefixes: []string{"web/"}}, Quota: auth.Quota{Conns: 3}},
	}
	for i, hash := range []string{hashA, hashB} {
		hex.Decode(want[i].SHA256[:], []byte(hash))
	}
	if fmt.Sprint(creds) != fmt.Sprint(want) {
		t.Errorf("got %v, want %v", creds, want)
	}
}

func TestProblemsOfTokenFile(t *testing.T) {
	entry := func(lines ...string) string { return "[[token]]\n" + strings.Join(lines, "\n") + "\n" }
	cert := func(lines ...string) string { return "[[cert]]\n" + strings.Join(lines, "\n") + "\n" }
	name, role, hash := `name = "x"`, `role = "lock"`, `sha256 = "`+hashA+`"`
	for _, c := range []struct {
		name, text string
		want       []string // each problem has these words; one problem per item
	}{
		{"no token", "", []string{"t: no [[token]] in it"}},
		{"single table", "[token]\n" + name, []string{"t: no [[token]] in it"}},
		{"list of something else", "token = [1]", []string{"this is not a table"}},
		{"not TOML", "[[token]\n", []string{"t:1:"}},
		{"unknown key of the file", "tokens = 1\n" + entry(name, role, hash), []string{"unknown key tokens (did you mean token?)"}},
		{"unknown key of a token", entry(name, role, hash, `prefix = ["a"]`),
			[]string{`token 1 ("x"): unknown key prefix (did you mean prefixes?)`}},
		{"everything is missing", entry(), []string{"token 1 (no name): name is missing", "role is missing", "sha256 is missing"}},
		{"everything has the wrong type", entry("name = 1", "role = 2", "sha256 = 3", "prefixes = 4"),
			[]string{"name is not a string", "role is not a string", "sha256 is not a string", "prefixes is not a list"}},
		{"empty name", entry(`name = ""`, role, hash), []string{"name is empty"}},
		{"unknown role", entry(name, `role = "root"`, hash), []string{`role "root" is not one of`}},
		{"role none", entry(name, `role = "none"`, hash), []string{`role "none" is not one of`}},
		{"short hash", entry(name, role, `sha256 = "abcd"`), []string{"not 64 hexadecimal digits"}},
		{"hash of nothing", entry(name, role, `sha256 = "`+hex.EncodeToString(emptyHash[:])+`"`), []string{"an empty token"}},
		{"prefixes of an admin", entry(name, `role = "admin"`, hash, `prefixes = ["a"]`), []string{"only role lock"}},
		{"services of a reader", entry(name, `role = "read"`, hash, `services = ["a"]`, "require_token = true"),
			[]string{"only role lock can have services", "only role lock can have require_token"}},
		{"empty service", entry(name, role, hash, `services = [""]`), []string{"services has an item that is empty"}},
		{"no services", entry(name, role, hash, `services = []`), []string{"allow all services"}},
		{"require_token is a word", entry(name, role, hash, `require_token = "yes"`), []string{"neither true nor false"}},
		{"quota without services", entry(name, role, hash, "locks = 5"), []string{"locks and waiters need services"}},
		{"quotas of a wrong kind", entry(name, role, hash, `services = ["a"]`, "locks = 0", `waiters = "5"`, "connections = -1"),
			[]string{"locks is no number", "waiters is no number", "connections is no number"}},
		{"no prefixes", entry(name, role, hash, `prefixes = []`), []string{"leave it out"}},
		{"empty prefix", entry(name, role, hash, `prefixes = ["a", ""]`), []string{"is empty"}},
		{"name twice", entry(name, role, hash) + entry(name, role, `sha256 = "`+hashB+`"`), []string{`token 2 ("x"): token 1 has the same name`}},
		{"a name that is none", cert(name, role, `san = "CN=x"`), []string{"neither URI: nor DNS:"}},
		{"a certificate with a hash", cert(name, role, hash), []string{`cert 1 ("x"): unknown key sha256`, "san is missing"}},
		{"one name for two", cert(name, role, `san = "DNS:a"`) + cert(`name = "y"`, role, `san = "DNS:a"`), []string{`cert 2 ("y"): cert 1 ("x") has the same san`}},
		{"a token and a certificate with one name", entry(name, role, hash) + cert(name, role, `san = "DNS:a"`), []string{`cert 1 ("x"): token 1 has the same name`}},
		{"hash twice", entry(name, role, hash) + entry(`name = "y"`, role, hash), []string{`token 2 ("y"): token 1 ("x") has the same sha256`}},
		{"problems of two tokens", entry(role, hash) + entry(name, role), []string{"token 1 (no name): name", `token 2 ("x"): sha256`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, problems := ParseTokens("t", []byte(c.text))
			if len(problems) != len(c.want) {
				t.Fatalf("got %d problems %q, want %d", len(problems), problems, len(c.want))
			}
			for i, want := range c.want {
				if !strings.Contains(problems[i].Error(), want) {
					t.Errorf("got %q, want %q in it", problems[i], want)
				}
			}
		})
	}
}

func TestModesOfTokenFile(t *testing.T) {
	text := "[[token]]\nname = 'x'\nrole = 'read'\nsha256 = '" + hashA + "'\n"
	for mode, ok := range map[os.FileMode]bool{0o600: true, 0o400: true, 0o604: false, 0o660: false, 0o610: false, 0o602: false} {
		path := writeFile(t, "tokens.toml", 0o600, text)
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		_, problems := readTokenFile(path)
		if (len(problems) == 0) != ok {
			t.Errorf("mode %04o: %v", mode, problems)
		}
		if !ok && !strings.Contains(fmt.Sprint(problems), "chmod 600 "+path) {
			t.Errorf("mode %04o: no advice in %v", mode, problems)
		}
	}
}

func TestWhoMayReadSecretFile(t *testing.T) {
	const root, me, mine, other = 0, 1000, 2000, 3000
	for _, c := range []struct {
		name string
		file secretFile
		want string // in the problem; empty: none
	}{
		{"mine alone", secretFile{0o600, me, mine, me, []int{mine}, false}, ""},
		{"of root, for a group of mine, as Kubernetes mounts a Secret with fsGroup", secretFile{0o440, root, mine, me, []int{5, mine}, false}, ""},
		{"of root, for root, in a container of root", secretFile{0o440, root, root, root, []int{root}, false}, ""},
		{"of root, for a group of mine, to write", secretFile{0o460, root, mine, me, []int{mine}, false}, "chgrp"},
		{"of root, for another group", secretFile{0o440, root, other, me, []int{mine}, false}, "chgrp"},
		{"of root, for all, as Kubernetes mounts a Secret by default", secretFile{0o644, root, root, me, []int{mine}, false}, "defaultMode: 0440"},
		{"of root, for all, in a container of root", secretFile{0o644, root, root, root, []int{root}, false}, "defaultMode: 0400"},
		{"mine, for a group of mine: chmod can be followed", secretFile{0o640, me, mine, me, []int{mine}, false}, "chmod 600 f"},
		{"mine, for all", secretFile{0o604, me, mine, me, []int{mine}, false}, "chmod 600 f"},
		{"of somebody else, for a group of mine", secretFile{0o640, other, mine, me, []int{mine}, false}, "chmod 600 f"},
		{"of somebody else alone, read by root", secretFile{0o600, other, other, root, []int{root}, false}, "its owner is the user"},
		{"a credential of systemd, by an access control list", secretFile{0o440, root, root, me, []int{mine}, true}, ""},
		{"a credential of systemd, for all", secretFile{0o444, root, root, me, []int{mine}, true}, "chgrp"},
	} {
		err := c.file.check("f")
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
}

// TestCredentials checks which files are credentials of systemd.
func TestCredentials(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("CREDENTIALS_DIRECTORY", "")
	if isCredential(filepath.Join(dir, "tokens")) {
		t.Error("a credential without systemd")
	}
	t.Setenv("CREDENTIALS_DIRECTORY", dir)
	for path, want := range map[string]bool{"tokens": true, "sub/tokens": false, "../tokens": false} {
		if isCredential(filepath.Join(dir, path)) != want {
			t.Errorf("%s: want %v", path, want)
		}
	}
}

func TestEntryMadeHereIsTakenHere(t *testing.T) {
	for _, entry := range []TokenEntry{
		{Name: "plain", Role: "read"},
		{Name: `quotes ' and " and \`, Role: "lock", Prefixes: []string{"a b/", "é", "'"}, Services: []string{"a\""}, RequireToken: true},
		{Name: "two\nlines", Role: "admin"},
	} {
		token := NewToken()
		text, err := entry.Text(token)
		if err != nil {
			t.Fatalf("%q: %v", entry.Name, err)
		}
		creds, problems := ParseTokens("t", text)
		if len(problems) > 0 || creds[0].Name != entry.Name || len(creds[0].Prefixes) != len(entry.Prefixes) ||
			len(creds[0].Services) != len(entry.Services) || creds[0].RequireToken != entry.RequireToken {
			t.Errorf("%q: got %v, %v", entry.Name, creds, problems)
		}
		if strings.Contains(string(text), token) {
			t.Errorf("%q: the entry holds the token itself", entry.Name)
		}
	}
	for name, entry := range map[string]TokenEntry{
		"no name":              {Role: "read"},
		"no role":              {Name: "x"},
		"prefixes of an admin": {Name: "x", Role: "admin", Prefixes: []string{"a"}},
		"empty prefix":         {Name: "x", Role: "lock", Prefixes: []string{""}},
	} {
		if _, err := entry.Text(NewToken()); err == nil {
			t.Errorf("%s: it was taken", name)
		}
	}
}

func TestBadFileLeavesTokens(t *testing.T) {
	var set []auth.Credential
	keep := func(creds []auth.Credential) error { set = creds; return nil }
	good := writeFile(t, "good.toml", 0o600, "[[token]]\nname = 'x'\nrole = 'read'\nsha256 = '"+hashA+"'\n")
	if got, err := ReloadTokens(good, keep); len(got) != 1 || err != nil || len(set) != 1 {
		t.Fatalf("got %v, %v, %v", got, err, set)
	}
	for _, path := range []string{"nowhere.toml", writeFile(t, "bad.toml", 0o600, "[[token]]\n"), writeFile(t, "empty.toml", 0o600, "")} {
		set = nil
		if _, err := ReloadTokens(path, keep); err == nil || set != nil {
			t.Errorf("%s: got %v, %v", path, err, set)
		}
	}
}
