package main

import (
	"context"

	"dlm/cmd/dlm/systemd"
	"dlm/engine"
)

// informManager tells the service manager that clients can connect, then that the server is alive,
// by the same rule as /livez, and then that a stop has begun. The function that it returns ends
// the goroutines "manager" and "watchdog".
func informManager(m *systemd.Manager, server *engine.Engine) (end func()) {
	ctx, end := context.WithCancel(context.Background())
	m.Ready()
	go m.Watch(ctx, func() bool { return len(server.Hung()) == 0 })
	go func() {
		select {
		case <-server.Stopping():
			m.Stopping()
		case <-ctx.Done():
		}
	}()
	return end
}
