#!/usr/bin/env bash
# EC2 from nothing: moto with signatures enforced, machines that run their user data, a coordinator, two
# workers and more, and in the end boto3 lists what is left: nothing.
# usage: Tests/Clouds/aws.sh [metadata]     wants the Python modules moto, boto3, werkzeug (FANFOLD_TEST_PYTHON)
# With `metadata`, the keys come from a metadata service of version 2, as on an instance with a role; boto3
# must get them there first.
# shellcheck source=Tests/Clouds/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
"$python" -c 'import moto, boto3, werkzeug' 2>/dev/null || skip "wanted moto, boto3 and werkzeug of $python"

listing() { "$python" "$tools/ec2_instances.py" "$back" | awk -F '\t' '$2 != "terminated" { print $1 }'; }

begin backend "$python" "$tools/ec2.py" "$back"
until_true 60 "moto listens" test -s "$back/port"
keys="file: $back/credentials.json"
if [ "${1:-}" = metadata ]; then
    begin metadata "$python" "$tools/instance_metadata.py" "$back"
    until_true 30 "the metadata service listens" test -s "$back/metadata-port"
    AWS_EC2_METADATA_SERVICE_ENDPOINT=http://127.0.0.1:$(cat "$back/metadata-port")
    export AWS_EC2_METADATA_SERVICE_ENDPOINT
    "$python" -c '
import botocore.session, sys
keys = botocore.session.Session().get_credentials()
sys.exit(keys is None or keys.method != "iam-role")' || fail "boto3 gets no keys of the metadata service"
    say "boto3 gets keys of the metadata service"
    keys="metadata: aws"
fi
begin machines "$python" "$here/boot.py" aws "$back"
# moto has no quotas of EC2: the provider's check says so, rightly.
# shellcheck disable=SC2034
is_lenient=1
# shellcheck disable=SC2034
offering=us-east-1a/m5.large/spot secrets="secrets: { ec2: { $keys } }"
# shellcheck disable=SC2034
provider="    use: aws
    with:
      endpoint: http://127.0.0.1:$(cat "$back/port")
      secret: ec2
      instance-types: [m5.large]
      markets: [spot]
    grant: { hosts: [\"127.0.0.1:$(cat "$back/port")\"], secrets: [ec2] }"
scenarios
