#!/usr/bin/env bash
# Runs container/compose.yaml with docker-compose over podman's API: what waits for what, the volume, the user and the shared network are those
# of the file. Called by container.sh with a folder and with the images `kustody` and `app` in the storage that CONTAINERS_STORAGE_CONF names.
# Kustody gets no network but its loopback: this machine may have no bridge, and the application needs none.
set -euo pipefail
cd "$(dirname "$0")/.."
work=$1
export BUILDAH_ISOLATION=chroot CONTAINERS_CONF=$work/containers.conf DOCKER_HOST=unix://$work/podman.sock
cat >"$CONTAINERS_CONF" <<CONF
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
lock_type = "file"
[containers]
init_path = "$(command -v catatonit)"
default_ulimits = ["nofile=4096:4096", "nproc=4096:4096"]
log_driver = "k8s-file"
CONF
cat >"$work/here.yaml" <<CONF
services:
  kustody: { network_mode: none }
CONF
for service in kustody environment; do buildah tag localhost/kustody "docker.io/library/container_$service"; done
buildah tag localhost/app docker.io/library/container_app
compose=(docker-compose --project-name container --project-directory container -f container/compose.yaml -f "$work/here.yaml")

podman system service --time=0 "$DOCKER_HOST" 2>"$work/service.log" &
service=$!
checks=
# Those that share a network go before the one whose it is.
stop() {
  [ -z "$checks" ] || kill "$checks" || true
  for name in app environment kustody; do podman rm --force --volumes --time 5 "container_${name}_1" >/dev/null || true; done
  kill "$service" || true
  wait || true
}
trap stop EXIT
for _ in $(seq 100); do
  if [ -S "$work/podman.sock" ]; then break; fi
  sleep 0.1
done
# Health checks are systemd's timers, which a machine like this one does not have.
while sleep 1; do podman healthcheck run container_kustody_1 >/dev/null 2>&1 || true; done &
checks=$!
"${compose[@]}" config --quiet
timeout 180 "${compose[@]}" up --no-build --detach 2>"$work/compose.log" || { cat "$work/compose.log" "$work/service.log" >&2; exit 1; }
code=$(timeout 60 podman wait container_app_1)
answer=$(podman logs container_app_1 2>&1)
echo "compose: the application ended with $code: $answer"
[[ $code == 0 && $answer == *42* ]]
[[ $(podman inspect --format '{{.State.Health.Status}}' container_kustody_1 2>/dev/null || podman inspect --format '{{.State.Healthcheck.Status}}' container_kustody_1) == healthy ]]
podman exec container_kustody_1 sh -c 'test "$(id -u)" = 1000 && test "$(stat -c %a /data/client.env)" = 600 && kustody status' | sed 's/^/  /'
