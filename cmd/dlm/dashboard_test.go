package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"dlm/engine/clock"
)

// dashboardMax bounds the time from one line of the script to the next: a test waits for several
// things, and each wait has a bound of its own.
const dashboardMax = 3 * eventually

// pictures is the directory, in the repository, of the pictures in README.md. The test makes them
// anew if DLM_PICTURES is set, to the time that the services on them work before, such as 10m.
const pictures = "docs"

// dashboard is what the tests in the browser ask for: two servers and their clients.
type dashboard struct {
	open, guarded *process
	args          []string // of the open server, for its second start
	admin         string   // token of the guarded one
	clients       []*client
}

// TestDashboard runs testdata/browser/dashboard.js, which looks at the pages of running servers in
// Chromium. Each of its tests is a test here.
func TestDashboard(t *testing.T) {
	if flags := sameBuild(); len(flags) > 0 {
		t.Skipf("the pages are the same with %v", flags)
	}
	chromium := needBrowser(t)
	node := needProgram(t, "node", "nodejs")
	dir := filepath.Join("testdata", "browser")
	for _, module := range []string{"playwright-core", "axe-core"} {
		if _, err := os.Stat(filepath.Join(dir, "node_modules", module)); err != nil {
			missing(t, "%s is not installed: run npm install in cmd/dlm/%s", module, dir)
		}
	}
	d := &dashboard{}
	config := d.start(t)
	config["chromium"], config["patience"] = chromium, strconv.FormatInt(eventually.Milliseconds(), 10)
	if config["pictures"] = t.TempDir(); os.Getenv("DLM_PICTURES") != "" {
		root, err := filepath.Abs(filepath.Join(repository, pictures))
		if err != nil {
			t.Fatal(err)
		}
		config["pictures"] = root
	}
	d.run(t, node, dir, config)
}

// needBrowser returns the path of Chromium.
func needBrowser(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"chromium-headless-shell", "chromium"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	missing(t, "Chromium is not installed (package chromium-headless-shell)")
	return ""
}

// start starts an open server with an image, and one with tokens. It returns what the script needs
// to know.
func (d *dashboard) start(t *testing.T) map[string]string {
	t.Helper()
	data := t.TempDir()
	d.args = []string{"--listen", freeAddr(t), "--http", freeAddr(t), "--data-dir", data, "--snapshot-interval", "1s", "--recovery-grace", "2h"}
	d.open = startServer(t, nil, d.args...)

	admin, adminEntry := makeToken(t, "--name", "ann", "--role", "admin")
	d.admin = admin
	prefixed, prefixedEntry := makeToken(t, "--name", "reed", "--role", "lock", "--prefix", "orders/")
	file := writeFile(t, "tokens.toml", 0o600, adminEntry+"\n"+prefixedEntry)
	guarded := freeAddr(t)
	d.guarded = startServer(t, nil, "--http", guarded, "--token-file", file)
	c := dial(t, d.guarded.addr)
	c.want(t, "AUTH "+admin, "OK")
	c.want(t, "ACQUIRE orders/1 billing-3 0 TTL 3600000", "OK")
	c.want(t, "ACQUIRE secret/1 billing-3 0 TTL 3600000", "OK")

	own, err := os.ReadFile(filepath.Join(data, "admin.token"))
	if err != nil {
		t.Fatal(err)
	}
	durations, err := json.Marshal(durationsInWords())
	if err != nil {
		t.Fatal(err)
	}
	return map[string]string{"durations": string(durations), "open": d.args[3], "openLocks": d.open.addr, "openAdmin": strings.TrimSpace(string(own)),
		"guarded": guarded, "admin": admin, "prefixed": prefixed}
}

// durationsInWords are durations in the words of the server, by milliseconds. The pages must have
// the same.
func durationsInWords() map[int64]string {
	words := map[int64]string{}
	for _, ms := range []int64{0, 1, 9, 38, 999, 1000, 9949, 9950, 59_999, 60_000, 82_000, 3_599_999, 3_600_000, 11_520_000, 86_399_999, 86_400_000, 187_200_000} {
		words[ms] = clock.InWords(time.Duration(ms) * time.Millisecond)
	}
	return words
}

// run runs the script to its end. Its lines are results of tests, and questions, which are answered
// with a line.
func (d *dashboard) run(t *testing.T, node, dir string, config map[string]string) {
	t.Helper()
	argument, err := json.Marshal(config)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), node, "dashboard.js", string(argument))
	cmd.Dir, cmd.Env, cmd.SysProcAttr = dir, cleanEnv(), ownGroup()
	var errs bytes.Buffer
	cmd.Stderr = &errs
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	longest := dashboardMax
	if more, err := time.ParseDuration(os.Getenv("DLM_PICTURES")); err == nil {
		longest += more
	}
	// Chromium is in the group of the script, which may end without it.
	end := func() { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	defer end()
	late := time.AfterFunc(longest, end)
	defer late.Stop()
	ran := 0
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		late.Reset(longest)
		var line struct {
			Test, Error, Ask string
			Ms               int
			Args             []string
		}
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			t.Fatalf("the script said %q: %v", lines.Text(), err)
		}
		if line.Ask != "" {
			answer, err := json.Marshal(d.do(t, line.Ask, line.Args))
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(in, "%s\n", answer)
			continue
		}
		ran++
		t.Run(line.Test, func(t *testing.T) {
			t.Logf("%d ms", line.Ms)
			if line.Error != "" {
				t.Error(line.Error)
			}
		})
	}
	if err := cmd.Wait(); err != nil || ran == 0 {
		t.Errorf("%v after %d tests\n%s", err, ran, errs.String())
	}
}

// do does what the script asks for, and returns the answer to it.
func (d *dashboard) do(t *testing.T, what string, args []string) any {
	t.Helper()
	switch what {
	case "fill":
		d.fill(t)
	case "hostile":
		return d.hostile(t)
	case "crowd":
		d.crowd(t)
	case "scene":
		d.scene(t)
	case "stop":
		d.open.signal(t, syscall.SIGTERM)
		if err := d.open.waitExit(t); err != nil {
			t.Error(err)
		}
	case "start":
		d.open = startServer(t, nil, d.args...)
	case "command":
		return dial(t, d.open.addr).ask(t, args[1])
	default:
		t.Fatalf("the script asks for %q", what)
	}
	return "done"
}

// connect opens a connection to the open server that stays until the end.
func (d *dashboard) connect(t *testing.T) *client {
	t.Helper()
	c := dial(t, d.open.addr)
	d.clients = append(d.clients, c)
	return c
}

// fill takes eleven locks and lets requests wait for some. Two services wait for each other, and
// one of them for a third.
func (d *dashboard) fill(t *testing.T) {
	t.Helper()
	c := d.connect(t)
	for _, hold := range []string{
		`orders/42 billing-3 0 TTL 3600000 META "host=b3 job=invoices traceparent=00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"`,
		"cron/nightly batch-1 0 TTL 3600000", "invoices/2026-11 orders-1 0 TTL 3600000", "ledger/close orders-9 0 TTL 3600000",
		"users/8812/profile worker@web-3:4711 0 TTL 3600000", "search/reindex indexer-2 0 TTL 3600000", "export:weekly batch-1 0 TTL 3600000",
		"orders/43 billing-3 0 TTL 3600000", "orders/77 orders-2 0 TTL 3600000", "mail.queue mailer-1 0 TTL 3600000", "alone one 0 TTL 3600000",
	} {
		c.want(t, "ACQUIRE "+hold, "OK")
	}
	for n, wait := range []string{"orders/42 orders-1", "orders/42 orders-4", "orders/42 orders-5", "cron/nightly batch-2", "search/reindex web-1",
		"orders/42 indexer-2", "mail.queue orders-2", "orders/77 mailer-1", "alone orders-2"} {
		c.send(t, fmt.Sprintf("@w%d ACQUIRE %s 3600000", n, wait))
	}
	d.connect(t).want(t, "*3\r\n$6\r\nCLIENT\r\n$7\r\nSETNAME\r\n$10\r\nweb-3/4711\r", "+OK")
	dial(t, d.open.addr).waitWaiters(t, "orders/42", 4)
	dial(t, d.open.addr).waitWaiters(t, "orders/77", 1)
	dial(t, d.open.addr).waitWaiters(t, "alone", 1)
}

// crowd takes more locks of the guarded server than a page looks at when it opens. The last sixty
// are of one service. Three writers wait for a lock with forty readers.
func (d *dashboard) crowd(t *testing.T) {
	t.Helper()
	const locks, seldom = 150_000, 60
	c := dial(t, d.guarded.addr)
	c.want(t, "AUTH "+d.admin, "OK")
	var lines strings.Builder
	for n := range locks {
		service := "often"
		if n >= locks-seldom {
			service = "seldom"
		}
		fmt.Fprintf(&lines, "ACQUIRE crowd/%d %s 0 TTL 3600000\n", n, service)
	}
	var sending sync.WaitGroup
	sending.Go(func() {
		if _, err := io.WriteString(c.w, lines.String()); err != nil {
			t.Error(err)
		}
	})
	for range locks {
		if reply := c.receive(t); !strings.HasPrefix(reply, "OK") {
			t.Fatalf("a lock of the crowd: %s", reply)
		}
	}
	sending.Wait()
	for n := range 40 {
		c.wantStart(t, fmt.Sprintf("ACQUIRE wide/1 reader-%d 0 TTL 3600000 SHARED", n), "OK")
	}
	for n := range 3 {
		c.send(t, fmt.Sprintf("@w%d ACQUIRE wide/1 writer-%d 3600000", n, n))
	}
	c.waitWaiters(t, "wide/1", 3)
}

// hostile takes locks with names that would do harm if anything took them for more than text. It
// returns the names as pages show them.
func (d *dashboard) hostile(t *testing.T) (shown []string) {
	t.Helper()
	c := d.connect(t)
	for _, name := range []string{
		`<img src=x onerror=alert(1)>`, `<b>bold</b><script>alert(2)</script>`, `\"quotes\" and 'quotes'`, `javascript:alert(3)`, strings.Repeat("n", 1024),
		`bytes\xff\xfe`, `rtl\xe2\x80\xaetxt.exe`, `c1\xc2\x9b31m`, `line\nline`, `&lt;entity&gt;`, `a/../b?c=d&e#f`, ` %3Cspace%3E `,
	} {
		c.want(t, fmt.Sprintf(`ACQUIRE "%s" "%.250s" 0 TTL 3600000 META "%.500s"`, name, name, name), "OK")
		c.send(t, fmt.Sprintf(`@h%d ACQUIRE "%s" "<i>%.200s" 3600000`, len(shown), name, name))
		shown = append(shown, name)
	}
	return shown
}

// scene lets services work on the open server until the test ends, so that the pictures have
// something to show. It returns after the time that DLM_PICTURES says, such as 10m.
func (d *dashboard) scene(t *testing.T) {
	t.Helper()
	for _, hold := range []string{"orders/42 billing-3", "ledger/close orders-9", "ledger/close orders-10"} {
		dial(t, d.open.addr).ask(t, "RELEASE "+hold) // one of the last two is of an earlier test
	}
	stop := make(chan struct{})
	pause := func(d time.Duration) error {
		select {
		case <-stop:
			return errStopped
		case <-time.After(d):
			return nil
		}
	}
	var working sync.WaitGroup
	t.Cleanup(func() { close(stop); working.Wait() })
	work := func(fn func(c *client, random *rand.Rand) error) {
		c, random := d.connect(t), rand.New(rand.NewPCG(7, uint64(len(d.clients))))
		working.Go(func() {
			for fn(c, random) == nil {
			}
		})
	}
	for n := range 14 { // a crowd at one lock, and a smaller one at another
		lock := []string{"orders/42", "ledger/close"}[n/10]
		work(func(c *client, random *rand.Rand) error {
			service := fmt.Sprintf("orders-%d", n+1)
			hold := time.Duration(20+random.ExpFloat64()*150) * time.Millisecond
			return errors.Join(c.talk(fmt.Sprintf("ACQUIRE %s %s 60000 TTL 30000 META %q", lock, service, "host=o"+strconv.Itoa(n%4)+" job=invoices")), pause(hold), c.talk("RELEASE "+lock+" "+service), pause(hold/2))
		})
	}
	for n := range 6 { // work that nobody waits for
		work(func(c *client, random *rand.Rand) error {
			name := fmt.Sprintf("%s%d worker@web-%d:4711", []string{"users/", "invoices/", "search:"}[random.IntN(3)], random.IntN(2000), n)
			return errors.Join(c.talk("ACQUIRE "+name+" 0 TTL 60000"), pause(time.Duration(random.ExpFloat64()*8)*time.Millisecond), c.talk("RELEASE "+name))
		})
	}
	work(func(c *client, random *rand.Rand) error { // a service whose leases end
		return errors.Join(c.talk(fmt.Sprintf("ACQUIRE cache/%d batch-7 0 TTL 2000", random.IntN(50))), pause(time.Duration(5+random.ExpFloat64()*20)*time.Second))
	})
	if long, err := time.ParseDuration(os.Getenv("DLM_PICTURES")); err == nil {
		time.Sleep(long)
	}
}

// talk sends a command and reads its reply, whatever it is.
func (c *client) talk(line string) error {
	if _, err := io.WriteString(c.w, line+"\n"); err != nil {
		return err
	}
	if _, open := <-c.lines; !open {
		return io.EOF
	}
	return nil
}

// errStopped ends the work of a service.
var errStopped = errors.New("the test has ended")
