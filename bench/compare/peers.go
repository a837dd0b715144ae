package main

import (
	"context"
	"fmt"
	"net"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"dlm/bench"
)

// peer is a server of somebody else. To add one: a form in package bench, and
// a peer in peers.
type peer struct {
	name    string
	program string // a path, or looked for in PATH
	// forms by workload, with the name that each has in the table.
	forms map[string][]namedForm
	args  func(dir string, port, secondPort int) []string
}

type namedForm struct{ name, form string }

// peers are the servers that may be here, each as its users run it on one
// machine, and as small as it goes in what it writes.
func peers(s *settings) []peer {
	redisForms := []namedForm{{"Redis SET NX PX + script", bench.RedisScript}}
	return []peer{
		{"Redis", s.redis, map[string][]namedForm{
			bench.Pair:  append(redisForms, namedForm{"Redis SET NX PX + DEL", bench.RedisDel}),
			bench.Renew: redisForms,
			bench.Ping:  redisForms,
		}, redisArgs},
		{"etcd", s.etcd, map[string][]namedForm{
			bench.Pair: {{"etcd transaction + delete", bench.EtcdTxn}, {"etcd lock service", bench.EtcdLock}},
			bench.Hot:  {{"etcd lock service", bench.EtcdLock}},
		}, etcdArgs},
		{"slock", s.slock, map[string][]namedForm{
			bench.Pair: {{"slock", bench.Slock}},
			bench.Hot:  {{"slock", bench.Slock}},
		}, slockArgs},
	}
}

func redisArgs(dir string, port, _ int) []string {
	return []string{"--port", strconv.Itoa(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", dir}
}

// etcdArgs leave etcd its log and its fsync: it has no other way of use.
func etcdArgs(dir string, port, peerPort int) []string {
	client, member := fmt.Sprintf("http://127.0.0.1:%d", port), fmt.Sprintf("http://127.0.0.1:%d", peerPort)
	return []string{"--name", "only", "--data-dir", filepath.Join(dir, "etcd"), "--logger", "zap", "--log-level", "error",
		"--listen-client-urls", client, "--advertise-client-urls", client,
		"--listen-peer-urls", member, "--initial-advertise-peer-urls", member, "--initial-cluster", "only=" + member}
}

func slockArgs(dir string, port, _ int) []string {
	return []string{"--bind", "127.0.0.1", "--port", strconv.Itoa(port), "--data_dir", filepath.Join(dir, "slock"),
		"--log_level", "ERROR"}
}

// enterPeers starts those that are here and can do the workload, and names the
// others.
func (f *field) enterPeers(ctx context.Context) error {
	for _, p := range peers(f.s) {
		forms := p.forms[f.s.load.Workload]
		if len(forms) == 0 {
			f.missing = append(f.missing, fmt.Sprintf("%s: the workload %s is not made for it", p.name, f.s.load.Workload))
			continue
		}
		path, err := exec.LookPath(p.program)
		if err != nil {
			f.missing = append(f.missing, fmt.Sprintf("%s: %s not found on this machine", p.name, p.program))
			continue
		}
		if err := f.enterPeer(ctx, p, path, forms); err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
	}
	return nil
}

func (f *field) enterPeer(ctx context.Context, p peer, path string, forms []namedForm) error {
	ports, err := freePorts(2)
	if err != nil {
		return err
	}
	cmd := f.command(path, p.args(f.dir, ports[0], ports[1])...)
	if err := f.start(cmd); err != nil {
		return err
	}
	addr := net.JoinHostPort("127.0.0.1", strconv.Itoa(ports[0]))
	if err := awaitServer(ctx, addr); err != nil {
		return err
	}
	for _, form := range forms {
		f.enter(form.name, form.form, false, addr, cmd)
	}
	return nil
}

// freePorts finds ports of loopback that nobody listens on. Another program
// may take one before its server does; then the server fails to start.
func freePorts(n int) (ports []int, err error) {
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer l.Close() // all at the end, so that no port comes twice
		ports = append(ports, l.Addr().(*net.TCPAddr).Port)
	}
	return ports, nil
}

// awaitServer waits until connections are taken.
func awaitServer(ctx context.Context, addr string) error {
	for end := time.Now().Add(startMax); ; time.Sleep(10 * time.Millisecond) {
		conn, err := net.Dial("tcp", addr)
		if err == nil {
			return conn.Close()
		}
		if time.Now().After(end) || ctx.Err() != nil {
			return fmt.Errorf("did not start: %w", err)
		}
	}
}
