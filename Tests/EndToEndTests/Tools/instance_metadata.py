"""The metadata service of an EC2 instance for tests: version 2 alone, as far as a role's credentials.

usage: instance_metadata.py FOLDER

Makes the role `worker-role` in moto (FOLDER/port, with the keys of FOLDER/credentials.json), gives keys
that the role was assumed with, and writes FOLDER/metadata-port.  Without a session of `PUT
/latest/api/token` it answers 401.
"""

import datetime
import http.server
import json
import os
import secrets
import sys

import boto3

FOLDER = "/latest/meta-data/iam/security-credentials/"


class Metadata(http.server.BaseHTTPRequestHandler):
    sessions = set()
    role = None

    def log_message(self, *_):
        pass

    def answer(self, status, text=""):
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_PUT(self):
        seconds = self.headers.get("X-aws-ec2-metadata-token-ttl-seconds", "")
        if self.path != "/latest/api/token":
            return self.answer(404)
        if not seconds.isdigit() or not 1 <= int(seconds) <= 21600:
            return self.answer(400)
        session = secrets.token_urlsafe(32)
        self.sessions.add(session)
        self.answer(200, session)

    def do_GET(self):
        if self.headers.get("X-aws-ec2-metadata-token") not in self.sessions:
            return self.answer(401)
        if self.path == FOLDER:
            return self.answer(200, "worker-role")
        if self.path != FOLDER + "worker-role":
            return self.answer(404)
        now = datetime.datetime.now(datetime.timezone.utc)
        form = "%Y-%m-%dT%H:%M:%SZ"
        self.answer(200, json.dumps({
            "Code": "Success", "Type": "AWS-HMAC", "LastUpdated": now.strftime(form),
            "AccessKeyId": self.role["AccessKeyId"], "SecretAccessKey": self.role["SecretAccessKey"],
            "Token": self.role["SessionToken"], "Expiration": self.role["Expiration"].strftime(form)}))


def assume(folder):
    """The keys of a role that may do everything."""
    with open(os.path.join(folder, "port")) as file:
        url = "http://127.0.0.1:" + file.read()
    with open(os.path.join(folder, "credentials.json")) as file:
        keys = json.load(file)
    made = dict(
        endpoint_url=url, region_name="us-east-1", aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretAccessKey"])
    def document(**more):
        return json.dumps({"Version": "2012-10-17", "Statement": [dict(Effect="Allow", **more)]})
    iam = boto3.client("iam", **made)
    role = iam.create_role(
        RoleName="worker-role", AssumeRolePolicyDocument=document(
            Principal={"AWS": iam.get_user(UserName="fanfold")["User"]["Arn"]}, Action="sts:AssumeRole"))["Role"]
    iam.put_role_policy(
        RoleName="worker-role", PolicyName="all", PolicyDocument=document(Action="*", Resource="*"))
    answer = boto3.client("sts", **made).assume_role(RoleArn=role["Arn"], RoleSessionName="machine")
    return answer["Credentials"]


def main():
    Metadata.role = assume(sys.argv[1])
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Metadata)
    place = os.path.join(sys.argv[1], "metadata-port")
    with open(place + ".new", "w") as file:
        file.write(str(server.server_port))
    os.replace(place + ".new", place)
    server.serve_forever()


main()
