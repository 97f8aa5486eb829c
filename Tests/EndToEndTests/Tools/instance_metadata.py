"""The metadata service of an EC2 instance for tests: version 2 alone, as far as a role's credentials.

usage: instance_metadata.py FOLDER

Gives the keys of FOLDER/credentials.json as those of the role `worker-role`, for ten minutes at a
time, and writes FOLDER/metadata-port.  Without a session of `PUT /latest/api/token` it answers 401.
"""

import datetime
import http.server
import json
import os
import secrets
import sys

FOLDER = "/latest/meta-data/iam/security-credentials/"


class Metadata(http.server.BaseHTTPRequestHandler):
    sessions = set()
    folder = ""

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
        with open(os.path.join(self.folder, "credentials.json")) as file:
            keys = json.load(file)
        now = datetime.datetime.now(datetime.timezone.utc)
        form = "%Y-%m-%dT%H:%M:%SZ"
        self.answer(200, json.dumps({
            "Code": "Success", "Type": "AWS-HMAC", "LastUpdated": now.strftime(form),
            "AccessKeyId": keys["AccessKeyId"], "SecretAccessKey": keys["SecretAccessKey"],
            "Token": "session", "Expiration": (now + datetime.timedelta(minutes=10)).strftime(form)}))


def main():
    Metadata.folder = sys.argv[1]
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Metadata)
    place = os.path.join(sys.argv[1], "metadata-port")
    with open(place + ".new", "w") as file:
        file.write(str(server.server_port))
    os.replace(place + ".new", place)
    server.serve_forever()


main()
