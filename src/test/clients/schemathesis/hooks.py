"""What the OpenAPI document cannot say to Schemathesis: which jobs and models there are, and rules between fields."""

import json
import os
import urllib.request

import schemathesis

BASE = os.environ["DARKROOM"]
KEY = {"Authorization": "Bearer " + os.environ["KEY"]}

# Rules between fields, of the chosen model, or of Unicode (docs/errors.md). Every other refusal of a request that the
# document allows is a failure.
BETWEEN_FIELDS = {
    "not_for_this_sampler",
    "not_for_this_format",
    "exclusive",
    "needs_guidance",
    "needs_stream",
    "not_with_stream",
    "not_falling",
    "unknown_model",
    "model_not_found",
    "idempotency_key_reused",
}
# Bounds that the model narrows, or that depend on another field: seed + n - 1, timesteps below the model's.
OF_THE_MODEL = {"width", "height", "size", "steps", "num_inference_steps", "timesteps", "clip_skip", "seed"}
# What may be wrong with a file.
OF_A_PICTURE = {"unsupported_media_type", "invalid_picture", "unsupported_picture", "no_recipe", "invalid_recipe"}


def call(path, body=None, **headers):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(BASE + path, data, {"Content-Type": "application/json", **KEY, **headers})
    with urllib.request.urlopen(request) as answer:
        return answer.read()


JOBS = [
    json.loads(call("/v1/images", {"prompt": "an apple", "steps": 2, "n": n, "previews": 1}, Prefer="wait=60"))["id"]
    for n in (1, 2)
]
MODELS = [model["id"] for model in json.loads(call("/v1/models"))["models"]]
PICTURE = call(f"/v1/jobs/{JOBS[0]}/images/0", Accept="image/png")


@schemathesis.hook
def map_path_parameters(context, path_parameters):
    """Three of four ids are ones that exist."""
    if path_parameters and isinstance(path_parameters.get("id"), str):
        ids = MODELS if "/models/" in context.operation.path else JOBS
        pick = sum(map(ord, path_parameters["id"])) % 4
        if pick < 3:
            path_parameters["id"] = ids[pick % len(ids)]
    return path_parameters


@schemathesis.hook
def map_body(context, body):
    """Of models, those that exist; of files, one with a recipe now and then."""
    if isinstance(body, dict) and isinstance(body.get("model"), str):
        body["model"] = MODELS[len(body["model"]) % len(MODELS)]
    if isinstance(body, bytes) and len(body) % 2 == 0:
        return PICTURE
    return body


@schemathesis.hook
def filter_failure(context, failure, case, response):
    """Accepts the refusals that rules between fields ask for, and no others."""
    if "SSE" in str(getattr(failure, "title", "")):
        return False  # OpenAPI 3.0 has no schema of events; OpenApiDocumentTests and OpenAiTests check them
    if type(failure).__name__ == "RejectedPositiveData" and case.operation.path == "/v1/jobs":
        return not response.json()["detail"].startswith("cursor must be")  # a cursor is opaque
    if type(failure).__name__ != "RejectedPositiveData" or case.method != "POST":
        return True
    answer = response.json()
    if "error" in answer:
        answer = {"code": answer["error"]["code"], "errors": [{**answer["error"], "field": answer["error"]["param"]}]}
    if answer["code"] in OF_A_PICTURE and str(case.media_type).startswith("image/"):
        return False
    errors = answer.get("errors") or [{"field": "", "code": answer["code"]}]
    return not all(
        error["code"] in BETWEEN_FIELDS
        or error["code"] == "empty" and error["field"] == "prompt"  # of control characters alone
        or error["code"] in ("out_of_range", "not_a_multiple") and error["field"] in OF_THE_MODEL
        for error in errors
    )
