# shellcheck shell=bash
# What the scripts beside it have in common: a folder of their own, processes that are stopped by their
# ids, waits that end, a coordinator, and two scenarios.  Sourced; the script says which back end.
#
# A script sets `provider` (its lines below providers:), `secrets`, `offering`, and the function
# `listing`, which prints a line for each worker that the back end itself knows to be alive, by a client
# that shares nothing with Fanfold.  FANFOLD_BUILD is the folder of the programs.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
tools=$root/Tests/EndToEndTests/Tools
build=${FANFOLD_BUILD:-$root/.build/release}
[ -x "$build/fanfold" ] || build=$root/.build/debug
python=${FANFOLD_TEST_PYTHON:-python3}
folder=$(mktemp -d /tmp/ff-XXXXXX)
back=$folder/b
mkdir "$folder/home" "$folder/log" "$back"
export HOME=$folder/home PATH=$build:$PATH NO_COLOR=1
unset XDG_CONFIG_HOME XDG_STATE_HOME XDG_CACHE_HOME
declare -A pids=()
began=$(date +%s)

say() { printf '%4s s  %s\n' $(($(date +%s) - began)) "$*"; }

fail() {
    say "FAILED: $*"
    for file in "$folder"/log/* "$folder/work"/*.log "$back"/machines/*/log "$back"/log/slurm*; do
        [ -s "$file" ] || continue
        echo "--- ${file##*/}"
        tail -n 25 "$file"
    done
    exit 1
}

# skip REASON: what is needed is not here.
skip() {
    echo "SKIPPED: $*: NOTHING WAS RUN"
    rm -rf "$folder"
    trap - EXIT
    exit 77
}

# begin NAME COMMAND...: a process in the background, in a group of its own, with a log.
begin() {
    local name=$1
    shift
    setsid "$@" > "$folder/log/$name" 2>&1 < /dev/null &
    pids[$name]=$!
}

# finish NAME [SIGNAL]: ends it by its id and waits for it, 20 s at most.
finish() {
    local name=$1 id=${pids[$1]:-} tries=0
    [ -n "$id" ] || return 0
    unset "pids[$name]"
    disown "$id" 2>/dev/null || true
    kill -"${2:-TERM}" "$id" 2>/dev/null || true
    while kill -0 "$id" 2>/dev/null && [ $tries -lt 200 ]; do
        sleep 0.1
        tries=$((tries + 1))
    done
    kill -KILL "$id" 2>/dev/null || true
}

# Ends everything, the back end last; a script that has more to clear away defines `clear_away`.
leave() {
    local code=$? name
    trap - EXIT
    finish coordinator
    declare -F clear_away > /dev/null && clear_away || true
    for name in "${!pids[@]}"; do [ "$name" = backend ] || finish "$name"; done
    finish backend
    if [ -n "${FANFOLD_KEEP:-}" ]; then echo "kept $folder"; else rm -rf "$folder"; fi
    exit "$code"
}
trap leave EXIT
trap 'exit 130' INT TERM

# until_true SECONDS WHAT COMMAND...: asks again every quarter of a second, and fails in the end.
until_true() {
    local seconds=$1 what=$2 end=$((SECONDS + $1))
    shift 2
    until "$@"; do
        [ $SECONDS -lt $end ] || fail "$what: not within $seconds s; the listing says: $(listing | tr '\n' ' ')"
        sleep 0.25
    done
    say "$what"
}

free_port() {
    "$python" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}
api=$(free_port) wire=$(free_port)
export FANFOLD_ADDRESS=http://127.0.0.1:$api

# settings [POOL]: writes the settings, with a pool below them or without.
settings() {
    cat > "$folder/fanfold.yaml" << X
plugins: { cache: $folder/cache }
state: $folder/state
${secrets:-}
providers:
  cloud:
$provider
${1:-}
X
}

is_ready() { "$python" -c "import urllib.request; urllib.request.urlopen('$FANFOLD_ADDRESS/readyz', timeout=5)" 2>/dev/null; }

# A coordinator with TLS for its workers, as if they were on other machines.
coordinate() {
    begin coordinator fanfold serve --config "$folder/fanfold.yaml" --state "$folder/state" \
        --listen "127.0.0.1:$api" --workers "127.0.0.1:$wire" --tls
    until_true 60 "the coordinator answers" is_ready
    FANFOLD_TOKEN=$(cat "$folder/state/api-token")
    export FANFOLD_TOKEN
}

rent() { fanfold provider "$@" --config "$folder/fanfold.yaml"; }

# Names of the workers that are connected and take work, a line each.
active() {
    fanfold get workers --output json 2>/dev/null | "$python" -c '
import json, sys
said = json.load(sys.stdin)
for worker in said.get("workers", []) if isinstance(said, dict) else said:
    if worker["status"] == "active": print(worker["name"])' 2>/dev/null
}

has_active() { [ "$(active | wc -l)" -ge "$1" ]; }
listed() { [ "$(listing | wc -l)" -eq "$1" ]; }
listed_more() { [ "$(listing | wc -l)" -gt "$1" ]; }

# load ITEMS SECONDS: a pipeline of so many subtasks that each take so long and a processor.
load() {
    cat > "$folder/load.yaml" << X
fanfold: 1
name: load
inputs: { n: { range: $1 } }
tasks:
  work:
    input: \${inputs.n}
    strategy: { use: data-parallel, with: { size: { items: 1 } } }
    run: { command: [sh, -c, 'sleep $2; cat'], stdin: lines, stdout: lines }
    needs: { cpus: 1, memory: 1MiB }
outputs: { all: { from: "\${tasks.work.output}" } }
X
    fanfold submit "$folder/load.yaml" > "$folder/log/submit" 2>&1 || fail "the pipeline was not taken"
}

is_running() { [ -n "$(fanfold get runs --status running --output quiet)" ]; }

# completed ITEMS: waits for the last run, and looks whether every item is in its output.
completed() {
    timeout 240 fanfold wait last > "$folder/log/wait" 2>&1 || fail "the run did not complete"
    fanfold output last > "$folder/log/output" 2>&1 || fail "the run has no output"
    [ "$(sort -n "$folder/log/output" | uniq | wc -l)" -eq "$1" ] || fail "wanted $1 items in the output"
    say "a pipeline of $1 subtasks completed, each item once"
}

# Workers rented by hand: a pipeline, a coordinator that is killed in the middle of another.
by_hand() {
    say "-- by hand"
    settings
    coordinate
    rent check cloud > "$folder/log/check" 2>&1 \
        || [ -n "${is_lenient:-}" ] || fail "the provider's check"
    fanfold token create --role worker --uses 2 --expires 15m --output quiet > "$folder/join"
    rent launch cloud --offering "$offering" --count 2 --owner by-hand --join-file "$folder/join" \
        --lease 2m > "$folder/log/launch" 2>&1 || fail "the launch"
    until_true 40 "two workers are connected" has_active 2
    listed 2 || fail "the back end does not list two workers"
    load 8 1
    completed 8
    load 24 2
    sleep 4
    is_running || fail "the run is over before the kill"
    listing | sort > "$folder/before"
    finish coordinator KILL
    say "the coordinator was killed in the middle of a run"
    coordinate
    completed 24
    listing | sort > "$folder/after"
    cmp -s "$folder/before" "$folder/after" || fail "the workers are not the same after the kill"
    [ "$(rent describe cloud --owner by-hand --output quiet | wc -l)" -eq 2 ] || fail "describe finds not two"
    rent terminate cloud --owner by-hand > "$folder/log/terminate" 2>&1 || fail "terminate"
    until_true 60 "no worker is left" listed 0
    finish coordinator
}

# pool MIN: the settings of a pool of the provider's offering, with pauses short enough for a test.
pool() {
    settings "pools: { spare: { provider: cloud, offerings: [\"$offering\"], min: $1, max: 4 } }
scaling: { interval: 1s, window: 4s, up-cooldown: 2s, down-cooldown: 3s, horizon: 4s, owner: by-scaler }"
}

# A coordinator that rents its workers: two at least, more under load, adopted after a kill in the middle,
# two when idle, none when none are wanted.
by_scaling() {
    say "-- by the scaler"
    pool 2
    coordinate
    until_true 150 "two workers are rented and connected" has_active 2
    listed 2 || fail "the back end does not list two workers"
    load 8 1
    completed 8
    load 60 3
    until_true 120 "more workers are rented under load" listed_more 2
    is_running || fail "the run is over before the kill"
    listing | sort > "$folder/before"
    finish coordinator KILL
    say "the coordinator was killed in the middle of a run"
    coordinate
    completed 60
    listing | sort > "$folder/after"
    [ -z "$(comm -23 "$folder/before" "$folder/after")" ] || fail "workers were not adopted after the kill"
    [ "$(wc -l < "$folder/after")" -le 4 ] || fail "more workers than max"
    until_true 150 "two workers are left when nothing is to do" listed 2
    finish coordinator
    pool 0
    coordinate
    until_true 150 "no worker is left where none is wanted" listed 0
    finish coordinator
}

# Both, and then what a client of the back end itself lists.
scenarios() {
    by_hand
    by_scaling
    # What comes back a moment later is found too.
    sleep 5
    listing > "$folder/left" || fail "the last listing"
    [ ! -s "$folder/left" ] || fail "left over: $(tr '\n' ' ' < "$folder/left")"
    say "the back end's own client lists nothing: done"
}
