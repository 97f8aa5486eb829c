#!/usr/bin/env bash
# Compute Engine from nothing: a server made from Google's discovery document, proved with Google's own
# client first; machines that run their user data, a coordinator, two workers and more; in the end
# Google's client lists what is left: nothing.
# usage: Tests/Clouds/gcp.sh     wants google-api-python-client, google-auth, cryptography
# shellcheck source=Tests/Clouds/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
"$python" -c 'import googleapiclient, google.oauth2, cryptography' 2>/dev/null \
    || skip "wanted google-api-python-client, google-auth and cryptography of $python"

listing() { "$python" "$tools/gce_client.py" "$back" list | awk -F '\t' '{ print $1 "/" $2 }'; }

begin backend "$python" "$tools/gce.py" "$back"
until_true 60 "the server listens" test -s "$back/port"
[ "$("$python" "$tools/gce_client.py" "$back" prove)" = proved ] || fail "Google's client rejects the server"
begin machines "$python" "$here/boot.py" gcp "$back"
# shellcheck disable=SC2034
offering=us-central1-a/e2-small/spot secrets="secrets: { google: { file: $back/key.json } }"
# shellcheck disable=SC2034
provider="    use: gcp
    with:
      project: p
      zones: [us-central1-a, us-central1-b]
      endpoint: http://127.0.0.1:$(cat "$back/port")
      secret: google
      spot-prices: { e2-small: 0.01 }
    grant: { hosts: [\"127.0.0.1:$(cat "$back/port")\"], secrets: [google] }"
scenarios
