// Command goredis runs one cycle of a lock through go-redis with its default
// options, over RESP3 and then over RESP2. After the address there may be the files of an
// authority, a certificate and its key: then it speaks TLS.
package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

func main() {
	log.SetFlags(0)
	secure := secured(os.Args[2:])
	for _, options := range []*redis.Options{{Addr: os.Args[1]}, {Addr: os.Args[1], Protocol: 2}} {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		options.TLSConfig = secure
		c := cycle{ctx: ctx, client: redis.NewClient(options)}
		c.run(fmt.Sprintf("a lock, by Go over RESP%d", options.Protocol))
		check(c.client.Close())
		cancel()
	}
	fmt.Println("lock cycle done")
}

// secured returns settings for TLS with the files, or nil without files.
func secured(files []string) *tls.Config {
	if len(files) == 0 {
		return nil
	}
	authority, err := os.ReadFile(files[0])
	check(err)
	pair, err := tls.LoadX509KeyPair(files[1], files[2])
	check(err)
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(authority)
	return &tls.Config{RootCAs: pool, Certificates: []tls.Certificate{pair}}
}

type cycle struct {
	ctx    context.Context
	client *redis.Client
}

func (c *cycle) run(lock string) {
	check(c.client.Ping(c.ctx).Err())
	granted := c.do("ACQUIRE", lock, "svc-a", 1000)
	token, err := strconv.ParseUint(granted["token"], 10, 53)
	if err != nil || token == 0 || granted["count"] != "1" {
		log.Fatalf("granted: %v, %v", granted, err)
	}
	c.refused("TIMEOUT", "ACQUIRE", lock, "svc-b", 0)
	if beat := c.do("HEARTBEAT", lock, "svc-a", "TOKEN", token); beat["token"] != granted["token"] {
		log.Fatalf("heartbeat: %v", beat)
	}
	if status := c.do("STATUS", lock); status["state"] != "held" || status["owner"] != "svc-a" {
		log.Fatalf("status: %v", status)
	}
	if released := c.do("RELEASE", lock, "svc-a"); released["count"] != "0" {
		log.Fatalf("released: %v", released)
	}
	c.refused("NOTHELD", "RELEASE", lock, "svc-a")
	c.transaction()
	info, err := c.client.Info(c.ctx).Result()
	check(err)
	if !strings.HasPrefix(info, "# ") {
		log.Fatalf("info: %q", info)
	}
}

// transaction checks that TxPipeline is refused, and that nothing of it is executed.
func (c *cycle) transaction() {
	tx := c.client.TxPipeline()
	tx.Do(c.ctx, "ACQUIRE", "in a transaction", "svc-a", 0)
	if _, err := tx.Exec(c.ctx); err == nil || !strings.Contains(err.Error(), "MULTI is not supported") {
		log.Fatalf("a transaction: %v", err)
	}
	if status := c.do("STATUS", "in a transaction"); status["state"] != "free" {
		log.Fatalf("a transaction was executed: %v", status)
	}
}

// do runs a command and returns the fields of its reply as text. They come as
// a map, or as a flat list of names and values.
func (c *cycle) do(command ...any) map[string]string {
	reply, err := c.client.Do(c.ctx, command...).Result()
	if err != nil {
		log.Fatalf("%v: %v", command, err)
	}
	fields := map[string]string{}
	switch reply := reply.(type) {
	case map[any]any:
		for name, value := range reply {
			fields[fmt.Sprint(name)] = fmt.Sprint(value)
		}
	case []any:
		for i := 0; i+1 < len(reply); i += 2 {
			fields[fmt.Sprint(reply[i])] = fmt.Sprint(reply[i+1])
		}
	default:
		log.Fatalf("%v: got %v", command, reply)
	}
	return fields
}

func (c *cycle) refused(code string, command ...any) {
	reply, err := c.client.Do(c.ctx, command...).Result()
	if err == nil || !strings.HasPrefix(err.Error(), code) {
		log.Fatalf("%v: got %v, %v; want %s", command, reply, err, code)
	}
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
