package bench

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"dlm/codec"
)

// Churn is one connection after the other, in text: connect, one pair, close. An operation is all
// of that, and its latency too.
type Churn struct{}

func (*Churn) Name() string { return "churn" }

func (*Churn) EnsureDefaults() {}

func (*Churn) check(*Load, *problems) {}

func (*Churn) run(ctx context.Context, r *run) error {
	shared, rounds, mu := newProgress(false), newRounds(r.load.Rounds), sync.Mutex{}
	var loops []func() error
	for i := range r.load.Conns {
		loops = append(loops, func() error {
			for shared.phase.Load() != phaseStop {
				began := shared.clock()
				if err := churnOnce(r.load, i); err != nil {
					return fmt.Errorf("connection %d: %w", i+1, err)
				}
				shared.commands.Add(1)
				if phase := shared.phase.Load(); phase > 0 {
					mu.Lock()
					rounds[phase-1].Record(shared.clock()-began, 1)
					mu.Unlock()
				}
			}
			return nil
		})
	}
	cell := r.newCell(Text, 2, 0)
	cell.Note = "an operation is a connection: connect, ACQUIRE, RELEASE, close"
	err := r.measure(ctx, shared, cell, loops...)
	for i := range cell.Rounds {
		cell.Rounds[i].Latency = rounds[i].Summary()
	}
	return err
}

// churnOnce connects, sends a pair and checks the replies.
func churnOnce(load *Load, owner int) error {
	c, err := Dial(load.Server, load.Token, talkMax)
	if err != nil {
		return err
	}
	pair := codec.AppendCommand(nil, load.command(codec.VerbAcquire, owner, owner))
	pair = codec.AppendCommand(pair, load.command(codec.VerbRelease, owner, owner))
	_, err = c.Write(pair)
	return errors.Join(err, c.readOK(), c.readOK(), c.Close())
}
