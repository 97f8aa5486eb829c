"""EC2 for tests: moto on loopback with authentication enforced, and what moto leaves out.

usage: ec2.py FOLDER

Writes FOLDER/credentials.json (mode 600, the form of a credential process) and then FOLDER/port.
A launch token gives the same answer again, and another one's parameters are refused, as EC2 does;
moto knows neither.  Faults are asked for:

    POST /faults  {"action": "RunInstances", "code": "RequestLimitExceeded", "status": 503}
    POST /faults  {"action": "RunInstances", "cut": true}     the request works, its answer is lost
"""

import io
import json
import os
import sys
import threading
import urllib.parse

import boto3
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server


class EC2:
    def __init__(self):
        self.moto = DomainDispatcherApplication(create_backend_app)
        self.lock = threading.RLock()
        self.launches = {}
        self.faults = []

    def forward(self, environ, body):
        """What moto answers: status, headers, body."""
        said = []
        environ = dict(environ, CONTENT_LENGTH=str(len(body)))
        environ["wsgi.input"] = io.BytesIO(body)
        answer = b"".join(self.moto(environ, lambda *head: said.append(head[:2])))
        return said[0][0], said[0][1], answer

    def fault(self, action):
        for fault in self.faults:
            if fault["action"] == action:
                self.faults.remove(fault)
                return fault
        return None

    def __call__(self, environ, start):
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        if environ["PATH_INFO"] == "/faults":
            self.faults.append(json.loads(body))
            start("200 OK", [("Content-Length", "0")])
            return [b""]
        form = dict(urllib.parse.parse_qsl(body.decode(errors="replace")))
        action = form.get("Action", "")
        with self.lock:
            fault = self.fault(action)
            if fault and not fault.get("cut"):
                return self.refuse(start, fault["status"], fault["code"], "a fault that was asked for")
            if action == "RunInstances" and "ClientToken" in form:
                answer = self.launch(environ, body, form)
            else:
                answer = self.forward(environ, body)
        if fault:
            # The connection ends without an answer.
            environ["werkzeug.socket"].shutdown(2)
            raise ConnectionAbortedError
        status, headers, text = answer
        start(status, headers)
        return [text]

    def launch(self, environ, body, form):
        token = form.pop("ClientToken")
        known = self.launches.get(token)
        if known and known[0] != form:
            said = []
            text = self.refuse(
                lambda *head: said.append(head), 400, "IdempotentParameterMismatch", "other parameters")
            return said[0][0], said[0][1], text[0]
        if not known:
            answer = self.forward(environ, body)
            if not answer[0].startswith("200"):
                return answer
            known = self.launches[token] = (form, answer)
        return known[1]

    @staticmethod
    def refuse(start, status, code, message):
        text = (
            f"<Response><Errors><Error><Code>{code}</Code><Message>{message}</Message></Error>"
            "</Errors><RequestID>0</RequestID></Response>"
        ).encode()
        start(f"{status} X", [("Content-Type", "text/xml"), ("Content-Length", str(len(text)))])
        return [text]


def account(url):
    """A user that may do everything, made before signatures are checked."""
    made = dict(region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")
    iam = boto3.client("iam", endpoint_url=url, **made)
    iam.create_user(UserName="fanfold")
    rule = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    iam.put_user_policy(UserName="fanfold", PolicyName="all", PolicyDocument=json.dumps(rule))
    key = iam.create_access_key(UserName="fanfold")["AccessKey"]
    return {
        "Version": 1, "AccessKeyId": key["AccessKeyId"], "SecretAccessKey": key["SecretAccessKey"]}


def warm(url):
    """One call to each service, so that reading its tables is not a part of a call with a limit."""
    made = dict(
        region_name="us-east-1", endpoint_url=url, aws_access_key_id="x", aws_secret_access_key="x")
    ec2 = boto3.client("ec2", **made)
    ec2.describe_instances()
    ec2.describe_images()
    ec2.describe_instance_types(MaxResults=5)
    ec2.describe_instance_type_offerings(MaxResults=5)
    ec2.describe_spot_price_history(MaxResults=5)
    boto3.client("ssm", **made).describe_parameters()
    boto3.client("sts", **made).get_caller_identity()


def main(folder):
    server = make_server("127.0.0.1", 0, EC2(), threaded=True)
    url = f"http://127.0.0.1:{server.port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    warm(url)
    key = account(url)
    # From now on every request must be signed.
    import urllib.request
    urllib.request.urlopen(
        urllib.request.Request(
            url + "/moto-api/reset-auth", data=b"0", headers={"Content-Type": "text/plain"})).read()
    path = os.path.join(folder, "credentials.json")
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump(key, file)
    with open(os.path.join(folder, "port.new"), "w") as file:
        file.write(str(server.port))
    os.rename(os.path.join(folder, "port.new"), os.path.join(folder, "port"))
    threading.Event().wait()


if __name__ == "__main__":
    main(sys.argv[1])
