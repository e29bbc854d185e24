"""A store of objects that speaks S3: moto's server. Prints a line of JSON when it takes requests: its port, and its users.

object_store.py BUCKET [--strict]    With --strict requests must be signed by a user who may do what they ask.
"""

import json
import sys
import threading
import urllib.request

import boto3
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import make_server

BUCKET = sys.argv[1]
POLICIES = {
    "all": ["s3:*"],
    "reader": ["s3:GetObject", "s3:ListBucket"],
}


class OneByOne:
    """moto looks whether an object is there and writes it in two steps; a store takes one request after the other."""

    def __init__(self, app):
        self.app = app
        self.turn = threading.Lock()

    def __call__(self, environ, start_response):
        with self.turn:
            return list(self.app(environ, start_response))


def make_users(endpoint):
    iam = boto3.client("iam", endpoint_url=endpoint, region_name="us-east-1")
    users = {}
    for name, actions in POLICIES.items():
        statement = {"Effect": "Allow", "Action": actions, "Resource": "*"}
        document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        iam.create_user(UserName=name)
        iam.put_user_policy(UserName=name, PolicyName="policy", PolicyDocument=document)
        key = iam.create_access_key(UserName=name)["AccessKey"]
        users[name] = {"accessKeyId": key["AccessKeyId"], "secretAccessKey": key["SecretAccessKey"]}
    return users


server = make_server(
    "127.0.0.1",
    0,
    OneByOne(DomainDispatcherApplication(create_backend_app)),
    threaded=True,
    request_handler=MotoRequestHandler,
)
threading.Thread(target=server.serve_forever, daemon=True).start()
endpoint = f"http://127.0.0.1:{server.port}"
boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1").create_bucket(Bucket=BUCKET)
users = {}
if "--strict" in sys.argv:
    users = make_users(endpoint)
    # From now on; as bytes, since the body of a form is read otherwise.
    headers = {"Content-Type": "application/octet-stream"}
    urllib.request.urlopen(urllib.request.Request(f"{endpoint}/moto-api/reset-auth", b"0", headers))
print(json.dumps({"port": server.port, "users": users}), flush=True)
# It ends with who started it.
sys.stdin.read()
