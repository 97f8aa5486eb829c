"""Machines for a cloud that boots none: each instance that it lists runs its user data here.

usage: boot.py aws|gcp FOLDER     FOLDER is that of ec2.py or gce.py

Asks the cloud by its own client (boto3, Google's) which instances there are, and runs the user data of
each as they are, in a process group of its own with a state folder of its own: cloud-init's work.  An
instance that is terminated is ended: SIGTERM, and SIGKILL after ten seconds.  One whose user data have
ended is terminated, as a machine that switches itself off.  Ends all of them when it is ended.
"""

import base64
import json
import os
import signal
import subprocess
import sys
import time

cloud, folder = sys.argv[1:3]
with open(folder + "/port") as file:
    root = f"http://127.0.0.1:{file.read()}/"


class AWS:
    def __init__(self):
        import boto3

        with open(folder + "/credentials.json") as file:
            key = json.load(file)
        self.ec2 = boto3.client(
            "ec2", endpoint_url=root, region_name="us-east-1",
            aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"])

    def living(self):
        for page in self.ec2.get_paginator("describe_instances").paginate():
            for reservation in page["Reservations"]:
                for instance in reservation["Instances"]:
                    if instance["State"]["Name"] in ("pending", "running"):
                        yield instance["InstanceId"]

    def instance(self, name):
        return name

    def user_data(self, name):
        answer = self.ec2.describe_instance_attribute(InstanceId=name, Attribute="userData")
        return base64.b64decode(answer["UserData"]["Value"]).decode()

    def end(self, name):
        self.ec2.terminate_instances(InstanceIds=[name])


class GCP:
    def __init__(self):
        import googleapiclient
        from google.oauth2 import service_account
        from googleapiclient.discovery import build_from_document

        path = os.path.join(
            os.path.dirname(googleapiclient.__file__),
            "discovery_cache/documents/compute.v1.json")
        with open(path) as file:
            document = json.load(file)
        document["rootUrl"] = document["mtlsRootUrl"] = root
        document["baseUrl"] = root + document["servicePath"]
        key = service_account.Credentials.from_service_account_file(
            folder + "/key.json", scopes=["https://www.googleapis.com/auth/compute"])
        self.compute = build_from_document(document, credentials=key)

    def living(self):
        self.known = {}
        request = self.compute.instances().aggregatedList(project="p")
        while request is not None:
            answer = request.execute()
            for zone, scope in answer["items"].items():
                for instance in scope.get("instances", []):
                    if instance["status"] in ("PROVISIONING", "STAGING", "RUNNING"):
                        self.known[instance["name"]] = (zone.removeprefix("zones/"), instance)
            request = self.compute.instances().aggregatedList_next(request, answer)
        return list(self.known)

    def instance(self, name):
        return self.known[name][0] + "/" + name

    def user_data(self, name):
        items = self.known[name][1]["metadata"]["items"]
        return next(item["value"] for item in items if item["key"] == "user-data")

    def end(self, name):
        self.compute.instances().delete(
            project="p", zone=self.known[name][0], instance=name).execute()


class Machine:
    def __init__(self, name, instance, script):
        place = os.path.join(folder, "machines", name)
        os.makedirs(place, exist_ok=True)
        path = os.path.join(place, "user-data")
        with open(path, "w") as file:
            file.write(script)
        os.chmod(path, 0o700)
        # What the metadata service and an init system would say.
        environment = dict(
            os.environ, FANFOLD_INSTANCE=instance, FANFOLD_KEEP_MACHINE="1", FANFOLD_STATE=place + "/state",
            HOME=place)
        with open(os.path.join(place, "log"), "w") as log:
            self.process = subprocess.Popen(
                [path], env=environment, cwd=place, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True)
        self.ends = None

    def signal(self, number):
        try:
            os.killpg(self.process.pid, number)
        except ProcessLookupError:
            pass

    def stop(self):
        if self.ends is None:
            self.ends = time.monotonic() + 10
            self.signal(signal.SIGTERM)
        elif time.monotonic() > self.ends:
            self.signal(signal.SIGKILL)


def main():
    observer = {"aws": AWS, "gcp": GCP}[cloud]()
    machines, ended = {}, set()
    stopping = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.append(1))
    while not stopping or machines:
        living = [] if stopping else list(observer.living())
        for name in living:
            if name not in machines and name not in ended:
                machines[name] = Machine(
                    name, observer.instance(name), observer.user_data(name))
                print("boots", name, flush=True)
        for name, machine in list(machines.items()):
            if machine.process.poll() is not None:
                machine.signal(signal.SIGKILL)
                del machines[name]
                ended.add(name)
                print("ended", name, machine.process.returncode, flush=True)
                if name in living:
                    observer.end(name)
            elif name not in living:
                machine.stop()
        time.sleep(0.3)


main()
