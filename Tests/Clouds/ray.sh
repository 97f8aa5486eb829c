#!/usr/bin/env bash
# Ray from nothing: a head and one more node with a token; a coordinator, two pilots and more; in the end
# Ray's own API lists what is left: nothing.
# usage: Tests/Clouds/ray.sh     FANFOLD_TEST_RAY is an environment with ray[default]; without it, one is made (400 MB)
# shellcheck source=Tests/Clouds/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

port=$((20000 + RANDOM % 9000))
listing() {
    "$python" - "$back" "$port" << 'X'
import json, sys, urllib.request
folder, port = sys.argv[1:]
request = urllib.request.Request(
    f"http://127.0.0.1:{port}/api/jobs/", headers={"Authorization": "Bearer " + open(folder + "/token").read()})
for job in json.load(urllib.request.urlopen(request, timeout=60)):
    print(job["submission_id"])
X
}

begin backend sh "$tools/ray.sh" "$back" "$port" ${FANFOLD_TEST_RAY:+"$FANFOLD_TEST_RAY"}
until_true 400 "Ray has two nodes" test -e "$back/ready"
# shellcheck disable=SC2034
offering=one secrets="secrets: { ray: { file: $back/token } }"
# shellcheck disable=SC2034
provider="    use: ray
    with:
      endpoint: http://127.0.0.1:$port
      secret: ray
      sizes: { one: { cpus: 1, memory-mib: 300 } }
      most: 8
      folder: $folder
      path: $build
    grant: { hosts: [\"127.0.0.1:$port\"], secrets: [ray] }"
scenarios
