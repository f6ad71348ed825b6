#!/usr/bin/env bash
# Installs the Python clients that tests run, at the versions of tests/clients/python/requirements.txt, into .cache/python.
# Does nothing when they are there.
set -euo pipefail
cd "$(dirname "$0")/.."
wanted=tests/clients/python/requirements.txt
if ! cmp -s "$wanted" .cache/python/requirements.txt; then
  rm -rf .cache/python
  python3 -m venv .cache/python
  .cache/python/bin/python -m pip install --quiet --disable-pip-version-check --no-deps -r "$wanted"
  cp "$wanted" .cache/python/requirements.txt
fi
