"""A client made by openapi-python-client: python client_test.py SERVER"""

import sys

from darkroom_client import Client
from darkroom_client.api.jobs import create_job
from darkroom_client.models import ImageRequest, Job, Problem

client = Client(base_url=sys.argv[1])
job = create_job.sync(client=client, body=ImageRequest(prompt="a red apple", steps=2), prefer="wait=30")
assert isinstance(job, Job) and job.id and job.state == "succeeded", job
refused = create_job.sync(client=client, body=ImageRequest(prompt="a red apple", steps=0))
assert isinstance(refused, Problem) and refused.code == "invalid_request", refused
print("as expected")
