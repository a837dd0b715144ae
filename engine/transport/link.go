package transport

import "time"

// Link is a connection as its Conn sees it: a Socket, or one whose bytes are encrypted. Its methods
// are called on the loop of the connection only.
type Link interface {
	// Write gives p to the kernel and returns how many bytes it took, without waiting. After a
	// short Write the next one begins with the bytes that were not taken. After an error the
	// connection is of no use.
	Write(p []byte) (n int, err error)
	// Await makes Config.Writable be called, once, when the kernel can take more or the connection
	// has failed.
	Await()
	// AwaitFailure is Await without the room.
	AwaitFailure()
	// Failure returns the error that has ended the connection, nil if it lives. It tells it once.
	Failure() error
	// SilentFor returns for how long the peer has owed an acknowledgement; 0: it owes none.
	SilentFor() time.Duration
	// Unacked returns how many bytes of those taken the peer has not acknowledged, if the kernel
	// tells.
	Unacked() (n int, known bool)
	// Untransmitted returns how many bytes of those taken have not been transmitted; 0: none, or it
	// is not known.
	Untransmitted() int
	// Ended reports whether the peer has ended the stream, read or not.
	Ended() bool
	// StopReading leaves further input to the kernel, whose buffers stop a peer that goes on
	// sending. The connection stays, and awaits room if output is true. It is for a connection that
	// is about to be closed, because the end of the input is not seen any more. Without a
	// descriptor to spare it does nothing and returns false.
	StopReading(output bool) (stopped bool)
	// Finish tells the peer that nothing more will come.
	Finish()
	// Close ends the connection immediately and calls Conn.Lost.
	Close()
	// Remote names the peer, for the log.
	Remote() string
}
