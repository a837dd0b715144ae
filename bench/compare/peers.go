package main

import (
	"context"
	"fmt"
	"net"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"dlm/bench"
)

// peer is a server of somebody else. To add one: its protocol, or a function that measures it, and
// an entry in peers.
type peer struct {
	name    string
	program string // a path, or looked for in PATH
	args    func(dir string, port, secondPort int) []string
	drivers []driver
}

// driver is one use of a server.
type driver struct {
	name      string
	workloads []string
	protocol  *bench.Protocol // nil: measure is called instead
	measure   func(ctx context.Context, load bench.Load, workload string, locks int) (*bench.Cell, error)
}

// peers are the servers to compare with, if this machine has them. Each runs as its users run it on
// one machine, and writes as little as it can.
func peers(s *settings) []peer {
	spoken := func(p *bench.Protocol, workloads ...string) driver {
		return driver{name: p.Name, workloads: workloads, protocol: p}
	}
	return []peer{
		{"Redis", s.redis, redisArgs, []driver{
			spoken(redisProtocol("Redis SET NX PX + script", true), pair, renew, ping),
			spoken(redisProtocol("Redis SET NX PX + DEL", false), pair),
		}},
		{"etcd", s.etcd, etcdArgs, []driver{{name: "etcd mutex", workloads: []string{pair, hot}, measure: measureEtcd}}},
		{"slock", s.slock, slockArgs, []driver{spoken(slockProtocol(), pair, hot)}},
	}
}

// able returns the drivers of a peer that can do a workload.
func (p *peer) able(workload string) (able []driver) {
	for _, d := range p.drivers {
		if slices.Contains(d.workloads, workload) {
			able = append(able, d)
		}
	}
	return able
}

func redisArgs(dir string, port, _ int) []string {
	return []string{"--port", strconv.Itoa(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", dir}
}

// etcdArgs keep the log and the fsync of etcd, because nobody runs it without them.
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

// enterPeers starts the peers that this machine has and that can do the workload. It names the
// others as missing.
func (u *suite) enterPeers(ctx context.Context) error {
	for _, p := range peers(u.s) {
		able := p.able(u.s.workload)
		if len(able) == 0 {
			u.missing = append(u.missing, fmt.Sprintf("%s: the workload %s is not made for it", p.name, u.s.workload))
			continue
		}
		path, err := exec.LookPath(p.program)
		if err != nil {
			u.missing = append(u.missing, fmt.Sprintf("%s: %s not found on this machine", p.name, p.program))
			continue
		}
		if err := u.enterPeer(ctx, p, path, able); err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
	}
	return nil
}

func (u *suite) enterPeer(ctx context.Context, p peer, path string, drivers []driver) error {
	ports, err := freePorts(2)
	if err != nil {
		return err
	}
	cmd := u.command(path, p.args(u.dir, ports[0], ports[1])...)
	if err := u.start(cmd); err != nil {
		return err
	}
	addr := net.JoinHostPort("127.0.0.1", strconv.Itoa(ports[0]))
	if err := awaitServer(ctx, addr); err != nil {
		return err
	}
	for i := range drivers {
		u.enter(drivers[i].name, "", false, addr, cmd).driver = &drivers[i]
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
