#!/usr/bin/env bash
# Builds the Go clients that tests run, with the modules of tests/clients/go/go.mod, into .cache/go-clients. Go keeps what it
# has built, so a second time takes a moment.
set -euo pipefail
cd "$(dirname "$0")/../tests/clients/go"
command -v go >/dev/null || { echo 'There is no Go here: tests/clients/go/go.mod has the version that is needed.' >&2; exit 1; }
unformatted=$(gofmt -l .)
[ -z "$unformatted" ] || { echo "not formatted by gofmt: $unformatted" >&2; exit 1; }
go build -trimpath -ldflags='-s -w' -o ../../../.cache/go-clients/clients .
