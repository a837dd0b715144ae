package bench

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"dlm/codec"
)

// Churn is one connection after the other: connect, one pair, close. An operation is all of that,
// and its latency too.
type Churn struct {
	Form string // Text by default
}

func (w *Churn) Name() string { return "churn" }

func (w *Churn) EnsureDefaults() { or(&w.Form, Text) }

func (w *Churn) check(_ *Load, p *problems) { p.form(w.Form) }

func (w *Churn) run(ctx context.Context, r *run) error {
	p, shared := r.load.protocol(w.Form), newProgress(false)
	rounds, mu := newRounds(r.load.Rounds), sync.Mutex{}
	var loops []func() error
	for i := range r.load.Conns {
		loops = append(loops, func() error {
			for shared.phase.Load() != phaseStop {
				began := shared.clock()
				if err := churnOnce(r.load, p, i); err != nil {
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
	cell := r.newCell(p.Name, 2, 0)
	cell.Note = "an operation is a connection: connect, ACQUIRE, RELEASE, close"
	err := r.measure(ctx, shared, cell, loops...)
	cell.takeLatencies(rounds)
	return err
}

// churnOnce connects, sends a pair and checks the replies.
func churnOnce(load *Load, p *Protocol, owner int) error {
	c, err := dial(load, p)
	if err != nil {
		return err
	}
	verbs := []codec.Verb{codec.VerbAcquire, codec.VerbRelease}
	var request []byte
	for _, v := range verbs {
		request = p.Append(request, load.command(v, owner, owner))
	}
	if err = c.SetDeadline(time.Now().Add(talkMax)); err == nil {
		_, err = c.Write(request)
	}
	for _, v := range verbs {
		if err == nil {
			err = c.want(p.Answer(v))
		}
	}
	return errors.Join(err, c.Close())
}
