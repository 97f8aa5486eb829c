#!/usr/bin/env bash
# A container engine from nothing: dockerd, or podman with its Docker API; an image of the worker; a
# coordinator, two containers and more; in the end the engine's own command line lists what is left: nothing.
# usage: Tests/Clouds/docker.sh [docker|tls|podman]     wants root, busybox, the docker command and the engine
# With `tls`, Fanfold reaches dockerd over TCP, which lets in who shows a certificate.
# shellcheck source=Tests/Clouds/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
mode=${1:-docker}
engine=$mode
[ "$mode" != tls ] || engine=docker
[ "$(id -u)" -eq 0 ] || skip "wanted root"
daemon=dockerd
[ "$engine" = docker ] || daemon=podman
for name in busybox docker openssl "$daemon"; do command -v "$name" > /dev/null || skip "wanted $name"; done
socket=$folder/engine.sock
export DOCKER_HOST=unix://$socket

listing() {
    if [ "$engine" = docker ]; then
        docker ps --all --format '{{.Names}}'
    else
        # Podman's own command line: it looks into the store and asks no service.
        "${podman[@]}" ps --all --format '{{.Names}}'
    fi
}

clear_away() {
    # What a failed run left: an engine's containers outlive it.
    listing | while read -r name; do docker rm --force "$name" > /dev/null 2>&1; done
    finish backend
    if [ "$engine" = docker ]; then
        umount "$folder/exec/netns/default" 2>/dev/null
        find /sys/fs/cgroup -depth -type d -path '*/fanfold-test*' -exec rmdir {} + 2>/dev/null
    fi
    true
}

# An authority, and a certificate of it for each side; SIDE.pem holds the key too.
certificates() {
    local side
    mkdir "$folder/tls"
    (
        cd "$folder/tls"
        openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=authority -keyout ca.key -out ca.pem
        for side in server client; do
            openssl req -newkey rsa:2048 -nodes -subj "/CN=$side" -keyout "$side.key" -out "$side.csr"
            openssl x509 -req -in "$side.csr" -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -out "$side.crt" \
                -extfile <(printf 'subjectAltName=DNS:localhost,IP:127.0.0.1\nextendedKeyUsage=%sAuth\n' "$side")
            (umask 077 && cat "$side.crt" "$side.key" > "$side.pem")
        done
    ) 2> "$folder/log/openssl" || fail "no certificates"
}

image=fanfold/worker:latest
endpoint=unix://$socket
grant="hosts: [\"unix:$socket\"]"
secret=
tls=()
if [ "$mode" = tls ]; then
    certificates
    port=$(free_port)
    tls=(--host "tcp://127.0.0.1:$port" --tlsverify --tlscacert "$folder/tls/ca.pem"
        --tlscert "$folder/tls/server.crt" --tlskey "$folder/tls/server.key")
    endpoint=https://localhost:$port
    secret="secret: docker"
    grant="hosts: [\"localhost:$port\"], secrets: [docker]"
    # shellcheck disable=SC2034
    secrets="secrets: { docker: { file: $folder/tls/client.pem } }
http: { ca-file: $folder/tls/ca.pem }"
fi
if [ "$engine" = docker ]; then
    begin backend dockerd --host "unix://$socket" --pidfile "$folder/pid" --data-root "$folder/data" \
        --exec-root "$folder/exec" --bridge=none --iptables=false --ip6tables=false --ip-forward=false \
        --ip-masq=false --userland-proxy=false --storage-driver=vfs \
        --exec-opt native.cgroupdriver=cgroupfs --cgroup-parent=/fanfold-test ${tls[@]+"${tls[@]}"}
else
    image=docker.io/$image
    cat > "$folder/containers.conf" << X
[containers]
netns = "none"
log_driver = "k8s-file"
default_ulimits = ["nofile=4096:4096", "nproc=4096:4096"]
[engine]
cgroup_manager = "cgroupfs"
runtime = "runc"
events_logger = "file"
X
    export CONTAINERS_CONF=$folder/containers.conf
    podman=(podman --root "$folder/root" --runroot "$folder/run" --tmpdir "$folder/tmp" --storage-driver vfs)
    begin backend "${podman[@]}" system service --time=0 "unix://$socket"
fi
answers() { docker version > /dev/null 2>&1; }
until_true 60 "the engine answers" answers
"$root/scripts/worker-image/rootfs" "$build" "$folder/image" with-tools || fail "no image"
tar -C "$folder/image" -c . | docker import - fanfold/worker:latest > /dev/null || fail "no image"
rm -rf "$folder/image"
say "the image of the worker is there"
# shellcheck disable=SC2034
offering=one
# shellcheck disable=SC2034
provider="    use: docker
    with:
      endpoint: $endpoint
      $secret
      image: $image
      network: host
      grace-s: 5
      most: 8
      sizes: { one: { cpus: 1, memory-mib: 300 } }
    grant: { $grant }"
scenarios
