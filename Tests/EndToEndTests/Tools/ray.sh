#!/bin/sh
# A Ray for tests: a head with the Jobs API and one more node, on loopback, with a token.
# usage: ray.sh FOLDER PORT [VENV]    VENV is a Python environment with ray[default]; without it, one is made in FOLDER
#
# Writes FOLDER/token, and FOLDER/ready when both nodes live; SIGTERM ends all of it by process id. The dashboard
# listens on PORT; PORT+1 to PORT+399 are taken too.
set -u
folder=$1 port=$2 venv=${3:-}
pids=
end() {
    # shellcheck disable=SC2086
    [ -z "$pids" ] || kill $pids 2>/dev/null
    # `ray start --block` ends what it started; what outlives it knows this folder.
    sleep 2
    for signal in TERM KILL; do
        for process in /proc/[0-9]*; do
            id=${process#/proc/}
            [ "$id" -ne $$ ] || continue
            if tr '\0' '\n' < "$process/environ" 2>/dev/null | grep -qxF "RAY_AUTH_TOKEN_PATH=$folder/token"; then
                kill -$signal "$id" 2>/dev/null
            fi
        done
        sleep 1
    done
    exit "${1:-0}"
}
trap end TERM INT
if [ -z "$venv" ]; then
    venv=$folder/venv
    python3 -m venv "$venv" && "$venv/bin/pip" install --quiet 'ray[default]' || end 1
fi
head -c 32 /dev/urandom | od -An -tx1 | tr -d ' \n' > "$folder/token"
chmod 600 "$folder/token"
export RAY_USAGE_STATS_ENABLED=0 RAY_AUTH_MODE=token RAY_AUTH_TOKEN_PATH="$folder/token"
node() {
    setsid "$venv/bin/ray" start --block --num-cpus 2 --object-store-memory 80000000 --disable-usage-stats \
        "$@" > "$folder/node-$((port)).log" 2>&1 &
    pids="$pids $!"
}
node --head --node-ip-address 127.0.0.2 --port $((port + 1)) --temp-dir "$folder/ray" \
    --include-dashboard true --dashboard-host 127.0.0.1 --dashboard-port "$port" \
    --dashboard-agent-listen-port $((port + 2)) --min-worker-port $((port + 10)) --max-worker-port $((port + 199))
alive() {
    "$venv/bin/python" - "$folder" "$port" "$1" <<'X'
import json, sys, urllib.request
folder, port, wanted = sys.argv[1:]
request = urllib.request.Request(
    f"http://127.0.0.1:{port}/api/v0/nodes", headers={"Authorization": "Bearer " + open(folder + "/token").read()})
try:
    nodes = json.load(urllib.request.urlopen(request, timeout=5))["data"]["result"]["result"]
except OSError:
    sys.exit(1)
sys.exit(sum(node["state"] == "ALIVE" for node in nodes) < int(wanted))
X
}
until_alive() {
    tries=0
    until alive "$1"; do
        tries=$((tries + 1))
        [ $tries -lt 120 ] || end 1
        sleep 0.5
    done
}
until_alive 1
node --address "127.0.0.2:$((port + 1))" --node-ip-address 127.0.0.3 --dashboard-agent-listen-port $((port + 3)) \
    --min-worker-port $((port + 200)) --max-worker-port $((port + 399))
until_alive 2
touch "$folder/ready"
while :; do sleep 1; done
