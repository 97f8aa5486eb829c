"""Compute Engine for tests, made from Google's published discovery document.

usage: gce.py FOLDER

Every request is looked up in the document's methods, its query names, body and answer are checked
against the document's schemas: what this server answers is never off the contract.  It writes
FOLDER/key.json, the key of a service account, and then FOLDER/port.  Faults are asked for:

    POST /faults {"method": "compute.instances.insert", "reason": "rateLimitExceeded", "status": 403}
    POST /faults {"method": "compute.instances.insert", "operation": "ZONE_RESOURCE_POOL_EXHAUSTED"}
    POST /faults {"method": "compute.instances.insert", "cut": true}
"""

import base64
import json
import os
import re
import sys
import threading
import time
import urllib.parse
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import googleapiclient
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

EMAIL = "fanfold@project.iam.gserviceaccount.com"
ZONES = ["us-central1-a", "us-central1-b"]
KINDS = [("e2-small", 2, 2048, 0), ("e2-standard-4", 4, 16384, 0), ("a2-highgpu-1g", 12, 87040, 1)]
OPERATION_SECONDS = 0.3

with open(
    os.path.join(os.path.dirname(googleapiclient.__file__), "discovery_cache/documents/compute.v1.json")
) as file:
    DOCUMENT = json.load(file)
SCHEMAS = DOCUMENT["schemas"]


class Refusal(Exception):
    def __init__(self, status, reason, message):
        super().__init__(message)
        self.status, self.reason, self.message = status, reason, message


def methods(resource):
    """The methods of the document with patterns of their paths."""
    for method in resource.get("methods", {}).values():
        path = method.get("flatPath", method["path"])
        pattern = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path)
        yield method["httpMethod"], re.compile(f"/{DOCUMENT['servicePath']}{pattern}$"), method
    for child in resource.get("resources", {}).values():
        yield from methods(child)


METHODS = list(methods(DOCUMENT))


def check(value, schema, place, method=None):
    """Whether a value fits a schema; `method` is that of a request, none for an answer."""
    schema = SCHEMAS[schema["$ref"]] if "$ref" in schema else schema
    kind, form = schema.get("type"), schema.get("format")

    def refuse(what):
        raise Refusal(400, "invalid", f"Invalid value for field '{place}': {what}")

    if kind == "object":
        if not isinstance(value, dict):
            refuse("wanted an object")
        known, more = schema.get("properties", {}), schema.get("additionalProperties")
        for key, member in value.items():
            if key not in known and not more:
                refuse(f"Cannot find field {key}")
            check(member, known.get(key, more), f"{place}.{key}", method)
        for key, member in known.items():
            if method and method in member.get("annotations", {}).get("required", []):
                if key not in value:
                    refuse(f"{key}: required field missing")
    elif kind == "array":
        if not isinstance(value, list):
            refuse("wanted a list")
        for index, element in enumerate(value):
            check(element, schema["items"], f"{place}[{index}]", method)
    elif kind == "string":
        if not isinstance(value, str):
            refuse("wanted a string")
        if form in ("int64", "uint64") and not re.fullmatch(r"-?\d+", value):
            refuse("wanted digits")
        if "pattern" in schema and not re.fullmatch(schema["pattern"], value):
            refuse(f"'{value}' must be a match of {schema['pattern']}")
        if "enum" in schema and value not in schema["enum"]:
            refuse(f"'{value}' is none of {schema['enum']}")
    elif kind == "boolean" and not isinstance(value, bool):
        refuse("wanted a boolean")
    elif kind in ("integer", "number") and (isinstance(value, bool) or not isinstance(value, (int, float))):
        refuse("wanted a number")


def decoded(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


class GCE:
    def __init__(self):
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.lock = threading.RLock()
        self.instances, self.operations, self.asked, self.faults = {}, {}, {}, []
        self.port = 0

    def account(self):
        pem = self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption()).decode()
        return {
            "type": "service_account", "client_email": EMAIL, "private_key": pem,
            "private_key_id": "1", "token_uri": f"http://127.0.0.1:{self.port}/token"}

    def claims(self, token):
        try:
            head, claims, signature = token.split(".")
            self.key.public_key().verify(
                decoded(signature), f"{head}.{claims}".encode(), padding.PKCS1v15(), hashes.SHA256())
            found = json.loads(decoded(claims))
        except (ValueError, InvalidSignature):
            raise Refusal(401, "authError", "Invalid Credentials") from None
        now = time.time()
        if found.get("iss") != EMAIL or not now < found.get("exp", 0) <= found.get("iat", 0) + 3600:
            raise Refusal(401, "authError", "Invalid Credentials")
        return found

    def url(self, path):
        return f"http://127.0.0.1:{self.port}/{DOCUMENT['servicePath']}{path}"

    def fault(self, method):
        for fault in self.faults:
            if fault["method"] == method:
                self.faults.remove(fault)
                return fault
        return None

    def call(self, verb, path, query, body):
        """Answers a request of the API: the answer, and whether its connection is cut."""
        for wanted, pattern, method in METHODS:
            match = pattern.match(path)
            if wanted == verb and match:
                break
        else:
            raise Refusal(404, "notFound", f"no method for {verb} {path}")
        names = set(method.get("parameters", {})) | set(DOCUMENT["parameters"])
        for name in query:
            if name not in names:
                raise Refusal(400, "invalid", f"Unknown name \"{name}\"")
        if "request" in method:
            check(body, method["request"], "resource", method["id"])
        answer = getattr(self, method["id"].replace(".", "_").replace("compute_", ""), None)
        if answer is None:
            raise Refusal(501, "notImplemented", f"this server has no {method['id']}")
        fault = self.fault(method["id"]) or {}
        if "reason" in fault:
            raise Refusal(fault["status"], fault["reason"], "a fault that was asked for")
        found = answer(match.groupdict(), query, body, fault)
        check(found, method["response"], "answer")
        return found, fault.get("cut", False)

    # What there is; each is named like its method in the document.

    def instances_insert(self, path, query, body, fault):
        place = (path["project"], path["zone"], body["name"])
        asked = query.get("requestId")
        if asked in self.asked:
            return self.view(self.operations[self.asked[asked]])
        if path["zone"] not in ZONES:
            raise Refusal(404, "notFound", f"The resource 'projects/p/zones/{path['zone']}' was not found")
        if place in self.instances:
            raise Refusal(409, "alreadyExists", f"The resource '/instances/{body['name']}' already exists")
        if not body.get("disks") or not body.get("networkInterfaces"):
            raise Refusal(400, "invalid", "Invalid value for field 'resource.disks'")
        if not fault.get("operation"):
            self.instances[place] = dict(
                body, id=str(uuid.uuid4().int >> 70), kind="compute#instance",
                zone=self.url(f"projects/{place[0]}/zones/{place[1]}"), status="RUNNING",
                creationTimestamp="2026-01-01T00:00:00.000-00:00")
        operation = self.begin(path, "insert", fault.get("operation"))
        if asked:
            self.asked[asked] = operation["name"]
        return self.view(operation)

    def instances_delete(self, path, query, body, fault):
        place = (path["project"], path["zone"], path["instance"])
        if self.instances.pop(place, None) is None:
            raise Refusal(
                404, "notFound", f"The resource 'projects/p/zones/z/instances/{place[2]}' was not found")
        return self.view(self.begin(path, "delete", None))

    def instances_aggregatedList(self, path, query, body, fault):
        items = {f"zones/{zone}": {"warning": {
            "code": "NO_RESULTS_ON_PAGE", "message": "There are no results"}} for zone in ZONES}
        size, start = int(query.get("maxResults", 500)), int(query.get("pageToken", "0"))
        found = [
            (place, it) for place, it in sorted(self.instances.items())
            if place[0] == path["project"] and self.matches(query.get("filter", ""), it)]
        for place, instance in found[start:start + size]:
            items[f"zones/{place[1]}"].pop("warning", None)
            items[f"zones/{place[1]}"].setdefault("instances", []).append(instance)
        answer = {"kind": "compute#instanceAggregatedList", "id": "x", "items": items}
        if start + size < len(found):
            answer["nextPageToken"] = str(start + size)
        return answer

    def machineTypes_list(self, path, query, body, fault):
        if path["zone"] not in ZONES:
            raise Refusal(404, "notFound", f"The resource '/zones/{path['zone']}' was not found")
        items = []
        for name, cores, memory, gpus in KINDS:
            item = {"kind": "compute#machineType", "name": name, "guestCpus": cores, "memoryMb": memory}
            if gpus:
                item["accelerators"] = [
                    {"guestAcceleratorType": "nvidia-tesla-a100", "guestAcceleratorCount": gpus}]
            items.append(item)
        start = int(query.get("pageToken", "0"))
        answer = {"kind": "compute#machineTypeList", "id": "x", "items": items[start:start + 2]}
        if start + 2 < len(items):
            answer["nextPageToken"] = str(start + 2)
        return answer

    def regions_get(self, path, query, body, fault):
        quotas = [{"metric": "CPUS", "limit": 24, "usage": 0}]
        return {"kind": "compute#region", "name": path["region"], "quotas": quotas}

    def zoneOperations_wait(self, path, query, body, fault):
        operation = self.operations.get(path["operation"])
        if operation is None:
            raise Refusal(404, "notFound", "The resource '/operations/x' was not found")
        time.sleep(OPERATION_SECONDS / 2)
        return self.view(operation)

    def begin(self, path, kind, error):
        name = f"operation-{uuid.uuid4()}"
        self.operations[name] = {"name": name, "kind": kind, "error": error, "at": time.monotonic()}
        return self.operations[name]

    @staticmethod
    def view(operation):
        is_done = time.monotonic() - operation["at"] >= OPERATION_SECONDS
        answer = {
            "kind": "compute#operation", "id": "1", "name": operation["name"],
            "operationType": operation["kind"], "status": "DONE" if is_done else "RUNNING"}
        if is_done and operation["error"]:
            answer["httpErrorStatusCode"] = 503
            answer["error"] = {"errors": [{"code": operation["error"], "message": "asked for"}]}
        return answer

    @staticmethod
    def matches(text, instance):
        if not text:
            return True
        match = re.fullmatch(r"labels\.([a-z0-9_-]+)=\"?([a-z0-9_-]*)\"?", text)
        if not match:
            raise Refusal(400, "invalid", f"Invalid value for field 'filter': '{text}'.")
        return instance.get("labels", {}).get(match[1]) == match[2]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    gce = GCE()

    def log_message(self, *_):
        pass

    def answer(self, status, document):
        text = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def serve(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        url = urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(url.query))
        gce = self.gce
        if url.path == "/faults":
            gce.faults.append(json.loads(body))
            return self.answer(200, {})
        try:
            if url.path == "/token":
                form = dict(urllib.parse.parse_qsl(body.decode()))
                if not gce.claims(form.get("assertion", "")).get("scope"):
                    return self.answer(400, {"error": "invalid_scope"})
                return self.answer(
                    200, {"access_token": form["assertion"], "expires_in": 3599, "token_type": "Bearer"})
            gce.claims(self.headers.get("Authorization", "").removeprefix("Bearer "))
            with gce.lock:
                found, is_cut = gce.call(
                    self.command, url.path, query, json.loads(body) if body else {})
        except Refusal as refusal:
            return self.answer(refusal.status, {"error": {
                "code": refusal.status, "message": refusal.message,
                "errors": [{"reason": refusal.reason, "message": refusal.message}]}})
        if is_cut:
            self.close_connection = True
            return self.connection.shutdown(2)
        return self.answer(200, found)

    do_GET = do_POST = do_DELETE = serve


def main(folder):
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Handler.gce.port = server.server_port
    path = os.path.join(folder, "key.json")
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump(Handler.gce.account(), file)
    with open(os.path.join(folder, "port.new"), "w") as file:
        file.write(str(server.server_port))
    os.rename(os.path.join(folder, "port.new"), os.path.join(folder, "port"))
    server.serve_forever()


if __name__ == "__main__":
    main(sys.argv[1])
