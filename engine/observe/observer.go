package observe

// Observer answers questions about the table that is served. Any goroutine may call its methods.
type Observer struct {
	served func() Served
}

// New returns an Observer. served returns the table of the moment; any goroutine may call it.
func New(served func() Served) *Observer { return &Observer{served: served} }

// Empty reports whether the server is a backup without an image, which knows no locks.
func (o *Observer) Empty() bool { return o.served().Empty }
