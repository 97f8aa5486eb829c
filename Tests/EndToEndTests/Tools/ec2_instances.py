"""What boto3 sees in an EC2: an observer that shares nothing with Fanfold.

usage: ec2_instances.py FOLDER    prints a line for each instance: id, state, tags as JSON, market
"""

import json
import sys

import boto3

folder = sys.argv[1]
with open(folder + "/credentials.json") as file:
    key = json.load(file)
with open(folder + "/port") as file:
    url = "http://127.0.0.1:" + file.read()
ec2 = boto3.client(
    "ec2", endpoint_url=url, region_name="us-east-1", aws_access_key_id=key["AccessKeyId"],
    aws_secret_access_key=key["SecretAccessKey"])
for page in ec2.get_paginator("describe_instances").paginate():
    for reservation in page["Reservations"]:
        for instance in reservation["Instances"]:
            tags = {tag["Key"]: tag["Value"] for tag in instance.get("Tags", [])}
            print(
                instance["InstanceId"], instance["State"]["Name"], json.dumps(tags, sort_keys=True),
                instance.get("InstanceLifecycle", "on-demand"), sep="\t")
