// Package transport moves bytes between sockets and the engine: listening, event loops, writes that
// do not wait, and what the kernel knows of a connection. It knows no command and keeps no output:
// what the kernel does not take stays with the caller.
//
//	Listener -> Acceptor (Gate) -> enroll -> Loop.Open -> Conn.Feed, Conn.Feed, ...
//	Link.Write <- Conn              room again -> Config.Writable
//	end of input -> Conn.InputEnded (the Link still writes)     failure -> Conn.Gone
//	from a proxy: Acceptor -> Proxies -> Gate         the header names the client
//	over TLS: Acceptor -> Handshakes -> enroll        Socket -> tlsLink -> Conn, and back
//
// The engine implements Gate, Loop and Conn; the package calls nothing else of it. gnet runs the
// loops, and no other package uses gnet. A Link is a Socket, or one over TLS (tlslink.go).
//
// # Goroutines
//
//	name         owns                                   calls            ended by
//	loop i       one Loop and its Sockets (gnet)        Loop, Conn       Server.Stop
//	writable     an epoll of sockets without room       Config.Writable  Server.Stop
//	accept i     one address, spare descriptors         Gate             Listener.Close
//	handshake    one connection until its loop has it   Gate             5 s, Handshakes.Stop
//	proxy header one connection of a proxy, likewise    Gate             1 s
//
// All methods of a Link are called on its loop. A Socket names its Conn by a number that the
// engine chose, so that a late event finds nobody instead of a successor on the same descriptor.
package transport
