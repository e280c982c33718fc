"""OpenAI's client for Python against a running Darkroom: python openai_test.py SERVER NEWER_SERVER"""

import base64
import json
import sys
import urllib.error
import urllib.request

import openai

server, newer = sys.argv[1:3]
client = openai.OpenAI(base_url=server + "/v1", api_key="none", max_retries=0)
PNG = b"\x89PNG\r\n\x1a\n"


def main():
    first = client.images.generate(prompt="a red apple", model="stub", size="64x64", extra_body={"seed": 7})
    assert len(first.data) == 1 and first.data[0].url is None and first.data[0].revised_prompt is None
    assert first.size == "64x64" and first.output_format == "png" and first.background == "opaque"
    picture = base64.b64decode(first.data[0].b64_json)
    assert picture.startswith(PNG) and first.data[0].seed == 7

    two = client.images.generate(
        prompt="a red apple",
        n=2,
        response_format="url",
        output_format="webp",
        output_compression=70,
        size="auto",
        user="someone",
        extra_body={"negative_prompt": "blur", "num_inference_steps": 3, "guidance_scale": 2, "sampler": "euler"},
    )
    assert len(two.data) == 2 and two.data[1].seed == two.data[0].seed + 1
    for image in two.data:
        assert image.b64_json is None
        with urllib.request.urlopen(image.url) as file:
            assert file.headers["Content-Type"] == "image/webp" and file.read()[8:12] == b"WEBP"

    stream = client.images.generate(
        prompt="a red apple", model="stub", size="64x64", stream=True, partial_images=2, extra_body={"seed": 7}
    )
    events = list(stream)
    assert [type(e).__name__ for e in events] == [
        "ImageGenPartialImageEvent", "ImageGenPartialImageEvent", "ImageGenCompletedEvent"
    ], events
    assert [e.partial_image_index for e in events[:2]] == [0, 1]
    assert base64.b64decode(events[0].b64_json).startswith(b"\xff\xd8") and events[0].output_format == "jpeg"
    assert base64.b64decode(events[2].b64_json) == picture and events[2].usage.total_tokens == 0

    error(openai.BadRequestError, 400, "n", "out_of_range", n=99)
    large = client.images.generate(prompt="a red apple", model="gpt-image-2", size="1024x1024", quality="high")
    assert large.size == "256x256" and large.requested_size == "1024x1024"
    dalle = client.images.generate(prompt="a red apple", model="dall-e-3", quality="hd", style="vivid")
    assert dalle.data[0].b64_json is None and dalle.data[0].url.endswith(".png")
    with urllib.request.urlopen(dalle.data[0].url) as file:
        assert file.read().startswith(PNG)

    error(openai.BadRequestError, 400, "size", "malformed", size="large")
    error(openai.BadRequestError, 400, "style", "unsupported_value", style="baroque")
    error(openai.NotFoundError, 404, "model", "model_not_found", model="nano-banana")
    try:
        client.images.edit(image=("apple.png", picture), prompt="a green apple")
        raise AssertionError("edited")
    except openai.NotFoundError as e:
        assert e.code == "not_found" and "/v1/images/edits" in e.message, e.body
    error(openai.InternalServerError, 500, None, "job_failed", prompt="unpredictable")
    tries = []
    patient = openai.OpenAI(base_url=server + "/v1", api_key="none", max_retries=2)
    patient._client.event_hooks["request"].append(tries.append)
    try:
        patient.images.generate(prompt="unpredictable")
        raise AssertionError("drawn")
    except openai.InternalServerError:
        assert len(tries) == 1, "a job that failed is not tried again"
    try:
        list(client.images.generate(prompt="unpredictable", stream=True))
        raise AssertionError("drawn")
    except openai.APIError as e:
        assert e.code == "job_failed" and e.type == "server_error", e.body

    fillers = []
    try:
        while True:
            with post({"prompt": "a filler", "steps": 150, "n": 8}) as answer:
                fillers.append(answer.headers["Location"])
    except urllib.error.HTTPError as full:
        assert full.code == 429
    try:
        error(openai.RateLimitError, 429, None, "rate_limit_exceeded")
        try:
            client.images.generate(prompt="a red apple", stream=True)
        except openai.RateLimitError as e:
            assert int(e.response.headers["Retry-After"]) > 0
    finally:
        for job in fillers:
            urllib.request.urlopen(urllib.request.Request(server + job, method="DELETE")).close()

    assert client.models.retrieve("stub").id == "stub"
    assert [model.id for model in client.models.list()][0] == "stub"

    later = openai.OpenAI(base_url=newer + "/v1", api_key="none", max_retries=0)
    image = later.images.generate(prompt="a red apple", model="stub", size="64x64", extra_body={"seed": 7})
    assert image.output_format == "added_later" and base64.b64decode(image.data[0].b64_json) == picture


def post(request):
    return urllib.request.urlopen(
        urllib.request.Request(
            server + "/v1/images", json.dumps(request).encode(), headers={"Content-Type": "application/json"}
        )
    )


def error(kind, status, param, code, **request):
    try:
        client.images.generate(**{"prompt": "a red apple", **request})
    except kind as e:
        assert (e.status_code, e.param, e.code) == (status, param, code), (e.status_code, e.body)
        return
    raise AssertionError(f"no {kind.__name__} for {request}")


main()
print("openai", openai.__version__, "for Python: all as expected")
