#!/usr/bin/env bash
# Builds the programs of tests/clients/java, which tests run, into .cache/java, with the clients that its pom.xml names. Does nothing
# where they are there. Needs Maven and Java 17; asks the registry only for what the local repository has not.
set -euo pipefail
cd "$(dirname "$0")/.."
sources=tests/clients/java
sum=$(find "$sources" -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum)
[[ "$sum" != "$(cat .cache/java/made-of 2>/dev/null || true)" ]] || exit 0
build() { mvn "$@" -q -B -f "$sources/pom.xml" compile dependency:copy-dependencies; }
rm -rf .cache/java
build -o >/dev/null 2>&1 || build
echo "$sum" >.cache/java/made-of
