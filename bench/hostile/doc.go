// Command hostile measures what costly or malicious clients do to an innocent one. For each row of
// its table ten connections send something in pipelines, while one connection sends a PING every
// few milliseconds and another keeps a lease of 100 ms with a heartbeat every 30 ms:
//
//	hostile --server 127.0.0.1:7420 [--http 127.0.0.1:7421] [--seconds 8] [--rows info,unread]
//
// The table has the innocent client's round trips, and how often its lease was lost. DLM_TOKEN is
// an admin's token, for the row that forces releases; without it that row is left out. A lost lease
// makes the exit code 1, because a server must never let one end whose heartbeats arrive in time.
package main
