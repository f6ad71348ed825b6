#!/usr/bin/env bash
# Installs the validator of SARIF that tests run, at the version of tests/clients/sarif/package-lock.json, into
# .cache/sarif-validator. Does nothing where it is there.
set -euo pipefail
cd "$(dirname "$0")/.."
wanted=tests/clients/sarif
there=.cache/sarif-validator
if ! cmp -s "$wanted/package-lock.json" "$there/installed.json"; then
  rm -rf "$there"
  mkdir -p "$there"
  cp "$wanted/package.json" "$wanted/package-lock.json" "$there"
  # Its only script makes the program executable, which is done here.
  npm ci --prefix "$there" --ignore-scripts --silent --no-audit --no-fund
  chmod u+x "$there/node_modules/@microsoft/sarif-multitool-linux/Sarif.Multitool"
  cp "$wanted/package-lock.json" "$there/installed.json"
fi
