package main

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/client/v3/concurrency"
	"go.uber.org/zap"

	"dlm/bench"
)

// etcd is driven by its own Go client, over gRPC, with the mutex recipe that comes with it: each
// connection is a client with a session, which is a lease that the client keeps alive. A pair is
// Lock and Unlock of the mutex, two commands here; Lock is a transaction, and a watch if somebody
// else holds the key.
const etcdSessionSec = 60

// etcdRun is one measurement of etcd.
type etcdRun struct {
	load     bench.Load
	queue    bool // the workload is hot: owners queue for few locks
	locks    int
	phase    atomic.Int32 // 0: warm-up, 1: the round, 2: stop
	commands atomic.Int64
	start    time.Time
	released sync.Map // by name of a lock: when it was last released, in ns since start
}

// measureEtcd measures etcd at depth 1 with the workload pair or hot.
func measureEtcd(ctx context.Context, load bench.Load, workload string, locks int) (*bench.Cell, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	r := &etcdRun{load: load, queue: workload == hot, locks: locks, start: time.Now()}
	all, mu, wg := bench.NewLatencies(), sync.Mutex{}, sync.WaitGroup{}
	for conn := range load.Conns {
		wg.Go(func() {
			own := bench.NewLatencies()
			if err := r.client(ctx, conn, own); err != nil {
				cancel(fmt.Errorf("connection %d: %w", conn+1, err))
			}
			mu.Lock()
			defer mu.Unlock()
			all.Merge(own)
		})
	}
	round, err := r.round(ctx)
	r.phase.Store(2)
	wg.Wait()
	if cause := context.Cause(ctx); cause != nil {
		return nil, cause
	}
	round.Latency = all.Summary()
	return &bench.Cell{Workload: workload, Form: "etcd", Conns: load.Conns, Depth: 1, Locks: locks, Rounds: []bench.Round{round}}, err
}

// round waits through the warm-up and the round, and reads CPU time and commands at its ends.
func (r *etcdRun) round(ctx context.Context) (round bench.Round, err error) {
	if err := sleep(ctx, r.load.Warmup); err != nil {
		return round, err
	}
	from, began, count := int64(0), time.Now(), r.commands.Load()
	from, known := bench.CPUOf(r.load.PID)
	r.phase.Store(1)
	if err := sleep(ctx, r.load.Duration); err != nil {
		return round, err
	}
	to, _ := bench.CPUOf(r.load.PID)
	round.Seconds = time.Since(began).Seconds()
	round.Commands = r.commands.Load() - count
	round.PerSecond = float64(round.Commands) / round.Seconds
	if known && round.Commands > 0 {
		ns, busy := float64(to-from)/float64(round.Commands), float64(to-from)/1e9/round.Seconds
		round.CPU, round.ServerBusy = &ns, &busy
	}
	return round, nil
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(d):
		return nil
	}
}

// client is one connection: a client, its session and its loop.
func (r *etcdRun) client(ctx context.Context, conn int, l *bench.Latencies) error {
	client, err := clientv3.New(clientv3.Config{Endpoints: []string{r.load.Server}, DialTimeout: startMax, Logger: zap.NewNop()})
	if err != nil {
		return err
	}
	defer client.Close()
	session, err := concurrency.NewSession(client, concurrency.WithTTL(etcdSessionSec))
	if err != nil {
		return err
	}
	defer session.Close()
	own := max(r.locks/r.load.Conns, 1)
	for i := 0; r.phase.Load() != 2; i++ {
		name := fmt.Sprintf("bench/%d", conn*own+i%own)
		if r.queue {
			name = fmt.Sprintf("bench/%d", conn%r.locks)
		}
		if err := r.pair(ctx, concurrency.NewMutex(session, name), name, l); err != nil {
			return err
		}
	}
	return nil
}

// pair locks and unlocks once. Where owners queue, latency is that of hand-offs: from the call of
// Unlock to the return of the next Lock.
func (r *etcdRun) pair(ctx context.Context, m *concurrency.Mutex, name string, l *bench.Latencies) error {
	asked := r.now()
	if err := m.Lock(ctx); err != nil {
		return err
	}
	got := r.now()
	if r.queue {
		if released, ok := r.released.Load(name); ok && r.phase.Load() == 1 {
			l.Record(got-max(released.(int64), asked), 1)
		}
		r.commands.Add(2)
		r.released.Store(name, r.now())
		return m.Unlock(ctx)
	}
	r.count(l, got-asked)
	err := m.Unlock(ctx)
	r.count(l, r.now()-got)
	return err
}

func (r *etcdRun) now() int64 { return int64(time.Since(r.start)) }

func (r *etcdRun) count(l *bench.Latencies, ns int64) {
	r.commands.Add(1)
	if r.phase.Load() == 1 {
		l.Record(ns, 1)
	}
}
