#!/bin/sh
# Makes cmd/dlm/default.pgo, the profile that the compiler optimises dlm by: one
# server under the workloads of dlm bench, those that pipeline most first.
set -eu
cd "$(dirname "$0")/.."
CGO_ENABLED=0 go build -trimpath -o bin/dlm ./cmd/dlm
profiles=$(mktemp -d)
trap 'rm -rf "$profiles"' EXIT
port=7499
DLM_LOOPS=1 bin/dlm server --listen "127.0.0.1:$port" --cpu-profile "$profiles/all.prof" --log-level error &
server=$!
sleep 1
load() { bin/dlm bench --server "127.0.0.1:$port" --rounds 1 --warmup 100ms "$@" >/dev/null; }
load --depth 256,64,16 --duration 5s
load --depth 64 --duration 4s --apart
load --depth 64 --duration 4s --form resp
load --depth 64 --duration 3s --workload renew
load --depth 1 --duration 4s
load --depth 16 --duration 2s --workload hot
load --workload waiters --waiters 100000 --duration 1s
kill "$server"
wait "$server"
cp "$profiles/all.prof" cmd/dlm/default.pgo
