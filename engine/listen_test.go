package engine

import (
	"net"
	"strings"
	"testing"
)

// TestLocalhostServesBothFamilies speaks to a real server on each of its addresses.
func TestLocalhostServesBothFamilies(t *testing.T) {
	e := serve(t, func(c *Config) { c.Listen = "localhost:0" })
	_, port, _ := net.SplitHostPort(e.Addr().String())
	hosts := []string{"127.0.0.1"}
	if strings.Contains(e.Addrs(), " and ") {
		hosts = append(hosts, "::1")
	}
	for _, host := range hosts {
		conn := joinCrowd(t, net.JoinHostPort(host, port))
		if _, err := conn.conn.Write([]byte("PING\n")); err != nil {
			t.Fatal(err)
		}
		if line, err := conn.in.ReadString('\n'); line != "OK\n" {
			t.Fatalf("%s: %q, %v", host, line, err)
		}
	}
}
