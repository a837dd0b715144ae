// Package engine is the lock server between the socket and the table. It owns
// connections, batching, delivery, time, limits and roles; it does not decide
// who gets a lock (package table does), does not know the bytes of the
// protocol (package codec does) and does not know where the table comes from
// (package durability does).
//
// # The path of a command
//
//	socket -> gnet loop -> reactor.feed -> run -> decode: codec.DecodeBatch
//	             lock commands: runBatch -> execute -> table.Run -> answerBatch, answerOther
//	             other commands: step -> exec
//	       <- one write per read <- codec.Writer
//	waits of others: table.Effects -> routeEffects -> outbox -> inbox of their reactor -> deliver
//
// A batch is what one read brought. It reads the clock once, executes every whole command in it,
// delivers the ends of waits that came of it, and writes each connection that has output once. A
// partial command is carried by the conn, and so is output that the kernel does not take
// (output.go). The work between two polls of the sockets is bounded (rounds.go).
//
// # Goroutines
//
//	name     owns                               reads                       ended by
//	loop i   reactor i, its conns (a gnet loop) config, clock, table        transport
//	ticker   its effects, its outbox, catchUp   clock, table.Due            Serve, after the stop
//	watch    who goes round, and who hangs      counters                    the end of Serve
//	audit    the sink of the audit              its queue and counts        audit.Log.Close
//	quotas   nothing                            the authority, all shards   the end of Serve
//	accept   one address: its gate (transport)  places, addresses           closing the listener
//	freer    nothing                            a signal of the ticker      the end of Serve
//	observer the views of package observe       shards, 256 records a time  the end of Serve
//	detector its effects                        looks of the observer       the end of Serve
//	sampler  the sample of the last second      counters, shards            the end of Serve
//	question one question or act of an operator shards, views, loops, audit its answer, or 5 s
//	drain    nothing                            the wait group of reactors  the reactors' answers
//
// The caller of Serve has its own goroutine and waits for all of them. Package durability has three
// more, which Store.Stop ends.
//
// # Order of locks
//
// A reactor holds nothing while it decodes and writes. It locks one shard for one call, or for
// commands of a batch that follow each other on that shard, unlocks it, and only then posts to an
// inbox (reactor.inbox.mu) or accounts for buffers (buffers.mu). No two shards are locked at the
// same time, and nothing else is locked under a shard:
//
//	one shard, then the subscribers of a prefix, then one of them (package events)
//	one shard | one inbox | buffers | addresses | attempts | guestbook | audit | connQuotas
//	quotaMu, then one shard after the other (table.SetQuotas)
//	the credits of a limit, then one shard after the other (table.Gather)
//	infos, then what INFO asks: shards, buffers, the Store, one after the other (infocache.go)
//
// The ticker holds Engine.ticking around these; a loop only tries it (tickDue).
//
// # Ends of connections
//
// A connection is named by loop, slot and generation (connID), never by a gnet.Conn: one that is
// used after its close writes to whoever has its descriptor then. A grant that finds no connection,
// or whose write fails, is taken back in the table and goes to the next waiter. So is one whose
// reply lies in the backlog of a connection when that ends, and a grant after a wait that was
// certainly not read (unacked.go).
package engine
