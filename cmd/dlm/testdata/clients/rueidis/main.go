// Command rueidis runs one cycle of a lock through rueidis with its default options: HELLO 3 and
// CLIENT TRACKING ON OPTIN, without which it does not connect.
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"strings"
	"time"

	"github.com/redis/rueidis"
)

func main() {
	log.SetFlags(0)
	client, err := rueidis.NewClient(rueidis.ClientOption{InitAddress: []string{os.Args[1]}})
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
