#!/usr/bin/env bash
# Installs the Python clients that tests run, at the versions of tests/clients/NAME/requirements.txt, into .cache/NAME: one
# environment each, because what they need differs. Python compiles what is imported when it is: most of the Azure CLI never is.
# Does nothing where they are there. Without names, all of them.
set -euo pipefail
cd "$(dirname "$0")/.."
names=("$@")
if ((${#names[@]} == 0)); then
  for file in tests/clients/*/requirements.txt; do names+=("$(basename "$(dirname "$file")")"); done
fi
install() {
  local name=$1 wanted=tests/clients/$1/requirements.txt
  if cmp -s "$wanted" ".cache/$name/requirements.txt"; then return; fi
  rm -rf ".cache/$name"
  python3 -m venv ".cache/$name" &&
    ".cache/$name/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --no-compile -r "$wanted" &&
    cp "$wanted" ".cache/$name/requirements.txt"
}
# At once: most of the time they wait for downloads.
pids=()
for name in "${names[@]}"; do
  install "$name" &
  pids+=("$!")
done
failed=0
for pid in "${pids[@]}"; do wait "$pid" || failed=1; done
exit "$failed"
