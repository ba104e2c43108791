#!/usr/bin/env python3
"""As much of Application Auto Scaling as Terraform asks for, in memory.

ministack has none. Prints the port it listens on, on loopback, and answers until
it is terminated.
"""

import json
import time
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

REGION = "arn:aws:autoscaling:us-east-1:000000000000"
targets = {}
policies = {}


def key(request):
    return tuple(request.get(name) for name in ("ServiceNamespace", "ResourceId", "ScalableDimension"))


def register(request):
    new = {"CreationTime": time.time(), "RoleARN": "arn:aws:iam::000000000000:role/scaling",
           "ScalableTargetARN": f"{REGION}:scalable-target/{uuid.uuid4().hex}"}
    target = targets.setdefault(key(request), new)
    target.update({name: value for name, value in request.items() if name != "Tags"})
    return {"ScalableTargetARN": target["ScalableTargetARN"]}


def put_policy(request):
    new = {"PolicyARN": f"{REGION}:scalingPolicy:{uuid.uuid4()}", "CreationTime": time.time(), "Alarms": []}
    policy = policies.setdefault((request["PolicyName"], *key(request)), new)
    policy.update(request)
    return {"PolicyARN": policy["PolicyARN"], "Alarms": []}


def chosen(found, request, names, field):
    """Those that the request asks for; a filter that is absent lets all through."""
    resources = request.get("ResourceIds") or [request["ResourceId"]] if request.get("ResourceId") or request.get("ResourceIds") else None
    return [one for one in found.values()
            if (resources is None or one["ResourceId"] in resources)
            and (not request.get(names) or one.get(field) in request[names])]


OPERATIONS = {
    "RegisterScalableTarget": register,
    "DescribeScalableTargets": lambda r: {"ScalableTargets": chosen(targets, r, "", "")},
    "DeregisterScalableTarget": lambda r: targets.pop(key(r), None) and {} or {},
    "PutScalingPolicy": put_policy,
    "DescribeScalingPolicies": lambda r: {"ScalingPolicies": chosen(policies, r, "PolicyNames", "PolicyName")},
    "DeleteScalingPolicy": lambda r: policies.pop((r["PolicyName"], *key(r)), None) and {} or {},
    "ListTagsForResource": lambda _: {"Tags": {}},
    "TagResource": lambda _: {},
    "UntagResource": lambda _: {},
}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        """Quiet: the log belongs to what is tested."""

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or "{}")
        name = self.headers.get("X-Amz-Target", "").split(".")[-1]
        operation = OPERATIONS.get(name)
        status, answer = (200, operation(body)) if operation else (400, {"__type": "ValidationException", "message": f"unsupported {name}"})
        data = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/x-amz-json-1.1")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_address[1], flush=True)
server.serve_forever()
