// Command rueidis runs one cycle of a lock through rueidis with its default options: HELLO 3 and
// CLIENT TRACKING ON OPTIN, without which it does not connect. After the address there may be the
// files of an authority, a certificate and its key: then it speaks TLS.
package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log"
	"os"
	"strings"
	"time"

	"github.com/redis/rueidis"
)

func main() {
	log.SetFlags(0)
	client, err := rueidis.NewClient(rueidis.ClientOption{InitAddress: []string{os.Args[1]}, TLSConfig: secured(os.Args[2:])})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	do := func(words ...string) rueidis.RedisResult {
		return client.Do(ctx, client.B().Arbitrary(words...).Build())
	}
	granted, err := do("ACQUIRE", "a lock, by rueidis", "svc-a", "1000").AsMap()
	if err != nil {
		log.Fatal(err)
	}
	field := granted["token"]
	if token, err := field.AsInt64(); err != nil || token <= 0 {
		log.Fatalf("granted %v: %v", granted, err)
	}
	if err := do("ACQUIRE", "a lock, by rueidis", "svc-b", "0").Error(); err == nil || !strings.HasPrefix(err.Error(), "TIMEOUT") {
		log.Fatalf("held, and another was answered %v", err)
	}
	if err := do("RELEASE", "a lock, by rueidis", "svc-a").Error(); err != nil {
		log.Fatal(err)
	}
	fmt.Println("lock cycle done")
}

// secured returns settings for TLS with the files, or nil without files.
func secured(files []string) *tls.Config {
	if len(files) == 0 {
		return nil
	}
	authority, err := os.ReadFile(files[0])
	if err != nil {
		log.Fatal(err)
	}
	pair, err := tls.LoadX509KeyPair(files[1], files[2])
	if err != nil {
		log.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(authority)
	return &tls.Config{RootCAs: pool, Certificates: []tls.Certificate{pair}}
}
