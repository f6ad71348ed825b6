#!/usr/bin/env bash
# Builds container/Containerfile and the application beside it, and runs both as container/compose.yaml does, on a base made here
# (Debian by debootstrap, this machine's Node.js and npm), so that no image registry is needed; then runs compose.yaml itself. Needs root,
# buildah, debootstrap, podman, runc, catatonit and docker-compose.
set -euo pipefail
cd "$(dirname "$0")/.."
export BUILDAH_ISOLATION=chroot STORAGE_DRIVER=vfs
work=$(mktemp -d)
root=$work/base
data=$work/data
running=
# Ends Kustody itself: what runs it here would leave it behind.
stop() {
  if [ -f "$data/control.json" ]; then kill "$(node -p 'JSON.parse(require("node:fs").readFileSync(process.argv[1], "utf8")).pid' "$data/control.json")" || true; fi
  if [ -n "$running" ]; then wait "$running" || true; fi
}
trap 'stop; buildah rm --all >/dev/null 2>&1 || true; buildah rmi --all --force >/dev/null 2>&1 || true; rm -rf "$work"' EXIT
# Images and containers of this script alone.
cat >"$work/storage.conf" <<CONF
[storage]
driver = "vfs"
graphroot = "$work/images"
runroot = "$work/run"
CONF
export CONTAINERS_STORAGE_CONF=$work/storage.conf

mirror=$(cat /etc/apt/sources.list.d/*.sources /etc/apt/sources.list 2>/dev/null | sed -n 's/^URIs: *//p; s/^deb \(\[[^]]*\] \)\?\([^ ]*\) .*/\2/p' | sed -n 1p || true)
debootstrap --variant=minbase --include=ca-certificates bookworm "$root" "$mirror" >"$work/debootstrap.log" 2>&1 ||
  { tail -20 "$work/debootstrap.log" >&2; exit 1; }
rm -rf "$root"/var/cache/apt/archives/*.deb "$root"/var/lib/apt/lists/*
cp "$(readlink -f "$(command -v node)")" "$root/usr/local/bin/node"
npm_folder=$(dirname "$(dirname "$(readlink -f "$(command -v npm)")")")
mkdir -p "$root/usr/local/lib/node_modules"
cp -a "$npm_folder" "$root/usr/local/lib/node_modules/npm"
ln -s ../lib/node_modules/npm/bin/npm-cli.js "$root/usr/local/bin/npm"
if [ -f "$HOME/.npmrc" ]; then cp "$HOME/.npmrc" "$root/root/.npmrc"; fi
cp /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/ca-certificates.crt"
chroot "$root" useradd --create-home --uid 1000 node
base=$(buildah from scratch)
buildah copy --quiet "$base" "$root" / >/dev/null
buildah config --env PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$base"
# What this machine needs for its package registry: in the base, which is thrown away, and so in no image that is kept.
for name in NODE_EXTRA_CA_CERTS HTTPS_PROXY HTTP_PROXY https_proxy http_proxy npm_config_registry; do
  if [ -n "${!name:-}" ]; then buildah config --env "$name=${!name}" "$base"; fi
done
buildah commit --quiet "$base" kustody-base >/dev/null
rm -rf "$root"
echo 'base: made'

build() { # NAME FOLDER CONTAINERFILE
  buildah build --quiet --network host --format docker --build-arg BASE=localhost/kustody-base --tag "$1" --file "$3" "$2" >"$work/build.log" 2>&1 ||
    { tail -40 "$work/build.log" >&2; exit 1; }
  echo "$1: built, $(buildah images --format '{{.Size}}' "localhost/$1")"
}
build kustody . container/Containerfile
build app container/app container/app/Containerfile

# One network, one volume, one user, as in compose.yaml. (The volume has another name: buildah keeps that of the image to itself.)
install -d -m 700 -o 1000 -g 1000 "$data"
container() { # IMAGE: its name
  buildah from --quiet "localhost/$1"
}
inside() { # NAME COMMAND…
  local name=$1
  shift
  buildah run --user node --env KUSTODY_DATA_DIR=/azure --volume "$data:/azure" "$name" -- "$@"
}
kustody=$(container kustody)
inside "$kustody" kustody up --seed 2>"$work/up.log" >&2 &
running=$!
for _ in $(seq 120); do
  if inside "$kustody" node /opt/kustody/ready.cjs 2>/dev/null; then break; fi
  kill -0 "$running" || { grep -v '"level":"info"' "$work/up.log" >&2; exit 1; }
  sleep 0.5
done
inside "$kustody" node /opt/kustody/ready.cjs
echo 'kustody: ready'
inside "$kustody" kustody open --no-browser | grep -q '^https://localhost:7443/portal/#open='
# The page comes to whoever asks; what it shows needs the link.
[[ $(curl --silent --output /dev/null --write-out '%{http_code}' --cacert "$data/ca.pem" https://localhost:7443/portal/) == 200 ]]
echo 'portal: served'
inside "$kustody" sh -c 'umask 077 && kustody env > /azure/client.env'
app=$(container app)
answer=$(inside "$app" sh -c '. /azure/client.env && exec node app.mjs')
echo "app: $answer"
[[ $answer == *42* ]]
inside "$kustody" sh -c 'test "$(id -u)" = 1000 && test "$(stat -c %a /azure)" = 700 && kustody status' | sed 's/^/  /'

# The file itself, by a compose program.
stop
running=
buildah rm --all >/dev/null
scripts/container-compose.sh "$work"
