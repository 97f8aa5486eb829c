"""Google's own Python client against the server of gce.py.

usage: gce_client.py FOLDER list     prints a line for each instance: zone, name, status, labels
       gce_client.py FOLDER prove    makes, lists and deletes an instance: the server is fit for use
"""

import json
import os
import sys

import googleapiclient
from google.oauth2 import service_account
from googleapiclient.discovery import build_from_document

folder, what = sys.argv[1:3]
with open(folder + "/port") as file:
    root = f"http://127.0.0.1:{file.read()}/"
with open(
    os.path.join(os.path.dirname(googleapiclient.__file__), "discovery_cache/documents/compute.v1.json")
) as file:
    document = json.load(file)
document["rootUrl"] = root
document["baseUrl"] = root + document["servicePath"]
document["mtlsRootUrl"] = root
key = service_account.Credentials.from_service_account_file(
    folder + "/key.json", scopes=["https://www.googleapis.com/auth/compute"])
compute = build_from_document(document, credentials=key)


def instances():
    request = compute.instances().aggregatedList(project="p")
    while request is not None:
        answer = request.execute()
        for zone, scope in sorted(answer["items"].items()):
            for instance in scope.get("instances", []):
                yield zone.removeprefix("zones/"), instance
        request = compute.instances().aggregatedList_next(request, answer)


def wait(operation):
    while operation["status"] != "DONE":
        operation = compute.zoneOperations().wait(
            project="p", zone="us-central1-a", operation=operation["name"]).execute()
    assert "error" not in operation, operation


if what == "prove":
    body = {
        "name": "proof", "machineType": "zones/us-central1-a/machineTypes/e2-small",
        "disks": [{"boot": True, "initializeParams": {"sourceImage": "projects/x/global/images/y"}}],
        "networkInterfaces": [{"network": "global/networks/default"}]}
    wait(compute.instances().insert(project="p", zone="us-central1-a", body=body).execute())
    assert [instance["name"] for _, instance in instances()] == ["proof"]
    wait(compute.instances().delete(project="p", zone="us-central1-a", instance="proof").execute())
    assert not list(instances())
    print("proved")
else:
    for zone, instance in instances():
        print(
            zone, instance["name"], instance["status"],
            json.dumps(instance.get("labels", {}), sort_keys=True), sep="\t")
