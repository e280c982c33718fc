"""The generated Python client against a running Darkroom: python round_trip.py SERVER NEWER_SERVER"""

import hashlib
import sys

from darkroom_client import ApiClient, Configuration, ImageRequest, ImagesApi, Job, JobsApi, ModelsApi
from darkroom_client.exceptions import BadRequestException
from job_events import job_events

server, newer = sys.argv[1:3]
client = ApiClient(Configuration(host=server))
images, jobs = ImagesApi(client), JobsApi(client)

job = images.create_images(ImageRequest(prompt="a red apple", seed=7, steps=100, previews=1))
events = list(job_events(server, job.id))
names = [name for name, _ in events]
assert names[0] == "snapshot" and names[-1] == "succeeded" and {"step", "image"} <= set(names), names
done = Job.from_dict(events[-1][1])
assert done.state == "succeeded" and done.seeds == [7]
picture = jobs.get_job_image(job.id, 0)
assert hashlib.sha256(picture).hexdigest() == done.images[0].sha256

assert "\nid:" in jobs.stream_job_events(job.id), "the whole stream as one string"

long = images.create_images(ImageRequest(prompt="a car", steps=150, n=8))
jobs.cancel_job(long.id)
assert jobs.get_job(long.id, wait_ms=10000).state == "canceled"

try:
    # past the client's own check of the bound
    images.create_images(ImageRequest.model_construct(prompt="a car", steps=0))
    raise AssertionError("drawn in no steps")
except BadRequestException as e:
    assert e.status == 400 and e.data.code == "invalid_request" and e.data.errors[0].var_field == "steps", e.data

later = ApiClient(Configuration(host=newer))
job = JobsApi(later).get_job(job.id)
assert job.state == "added_later" and job.parameters.output_format == "added_later", job
assert job.seeds == [7]
assert ModelsApi(later).list_models().models[0].id == "stub"
print("generated client for Python: all as expected")
