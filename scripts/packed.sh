#!/usr/bin/env bash
# Installs the packed tarball as users do, in empty folders: into a project, globally for two users, and by npx. Where this is root, by
# users that are nobody here and have a home of their own. Fails on the first thing that does not work.
set -euo pipefail
cd "$(dirname "$0")/.."
megabytes_max=150
registry=$(npm config get registry)
node_folder=$(dirname "$(command -v node)")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
chmod 755 "$folder"

# as USER COMMAND…: in that user's home, with nothing of this environment.
as() {
  local user=$1 home=$folder/$1
  shift
  local who=()
  if [ "$(id -u)" = 0 ]; then
    who=(setpriv "--reuid=$((65530 + ${user#user}))" "--regid=$((65530 + ${user#user}))" --clear-groups)
  fi
  (cd "$home" && "${who[@]}" env -i "HOME=$home" "PATH=$node_folder:/usr/bin:/bin" "TMPDIR=$home/tmp" "npm_config_registry=$registry" \
    npm_config_update_notifier=false npm_config_fund=false npm_config_audit=false "$@")
}
for number in 1 2; do
  mkdir -p "$folder/user$number/tmp" "$folder/user$number/project"
  chmod 700 "$folder/user$number"
  if [ "$(id -u)" = 0 ]; then chown -R "$((65530 + number)):$((65530 + number))" "$folder/user$number"; fi
done
say() { printf 'packed: %s\n' "$1"; }

npm pack --silent --pack-destination "$folder" >/dev/null
tarball=$(echo "$folder"/kustody-*.tgz)
chmod 644 "$tarball"
say "$(du -m "$tarball" | cut -f1) MB packed"
tar -tzf "$tarball" | grep -x 'package/dist/portal/index.html.br' >/dev/null || { echo 'The tarball has no portal.' >&2; exit 1; }

say 'npm install --engine-strict, into a project'
as user1 sh -c "cd project && npm init -y >/dev/null && npm install --silent --engine-strict '$tarball'"
megabytes=$(du -sm "$folder/user1/project/node_modules" | cut -f1)
say "$megabytes MB installed"
du -m -d 2 "$folder/user1/project/node_modules" | sort -rn | sed -n '2,8p' | sed "s|$folder/user1/project/node_modules/||"
if ((megabytes > megabytes_max)); then
  echo "An install takes $megabytes MB; $megabytes_max is the limit." >&2
  exit 1
fi
as user1 sh -c 'cd project && npx --no-install kustody run --seed -- kustody query "print Answer = 6 * 7"' | grep -qw 42
as user1 sh -c "cd project && npx --no-install kustody run --seed -- kustody query '.show version'" | grep -q "$(date -u +%Y)-"
test_program='const k = await startKustody({ cluster: true });
  const rows = await k.query("print A = 1");
  await k.close();
  if (rows[0].A !== 1) process.exit(1);'
as user1 sh -c "cd project && node --input-type=module -e '
  import { startKustody } from \"kustody/testing\";
  $test_program'"
as user1 sh -c "cd project && node -e '
  const { startKustody } = require(\"kustody/testing\");
  (async () => { $test_program })();'"

say 'npx, from an empty folder'
as user2 sh -c "mkdir empty && cd empty && npx --yes --package='$tarball' kustody version" | grep -q '^kustody '

say 'one global install, read-only, for two users'
mkdir "$folder/global"
npm install --silent --no-audit --no-fund --global --prefix "$folder/global" "$tarball" >/dev/null
contents() { (cd "$folder/global" && find . -printf '%p %s %T@\n' | sort | sha256sum); }
before=$(contents)
for user in user1 user2; do
  as "$user" env "PATH=$folder/global/bin:$node_folder:/usr/bin:/bin" \
    kustody run --seed -- kustody query 'print Answer = 6 * 7' | grep -qw 42
  # The parser's snapshot is each user's own.
  test "$(stat -c %a "$folder/$user/.cache/kustody")" = 700
  ls "$folder/$user/.cache/kustody" | grep -q '^parser-'
done
test "$before" = "$(contents)"
say 'all of it works'
