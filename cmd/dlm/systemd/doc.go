// Package systemd tells the service manager of Linux how a server is doing: READY=1 once clients
// can connect, WATCHDOG=1 while the server is alive, STOPPING=1 when a stop has begun.
//
// The messages are datagrams to the socket that $NOTIFY_SOCKET names. Without that variable there
// is no manager, and every call does nothing. The protocol is that of sd_notify(3) and
// sd_watchdog_enabled(3).
package systemd
