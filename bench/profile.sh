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
load() { bin/dlm bench "$@" --server "127.0.0.1:$port" --rounds 1 --warmup 100ms >/dev/null; }
load pair --depth 256,64,16 --duration 5s
load pair --depth 64 --duration 4s --apart
load pair --depth 64 --duration 4s --form resp
load renew --depth 64 --duration 3s
load pair --depth 1 --duration 4s
load hot --duration 2s
load waiters --waiters 100000 --duration 1s
kill "$server"
wait "$server"
cp "$profiles/all.prof" cmd/dlm/default.pgo
