// OpenAI's client for Node against a running Darkroom: node openai_test.mjs SERVER NEWER_SERVER
import assert from "node:assert/strict";
import OpenAI from "openai";
import { VERSION } from "openai/version";

const [server, newer] = process.argv.slice(2);
const client = new OpenAI({ baseURL: server + "/v1", apiKey: "none", maxRetries: 0 });
const bytes = (image) => Buffer.from(image.b64_json, "base64");

const first = await client.images.generate({ prompt: "a red apple", model: "stub", size: "64x64", seed: 7 });
assert.equal(first.data.length, 1);
assert.deepEqual([first.size, first.output_format, first.background], ["64x64", "png", "opaque"]);
assert.equal(first.data[0].seed, 7);
const picture = bytes(first.data[0]);
assert.equal(picture.subarray(1, 4).toString(), "PNG");

const two = await client.images.generate({
  prompt: "a red apple",
  n: 2,
  response_format: "url",
  output_format: "webp",
  output_compression: 70,
  size: "auto",
  user: "someone",
  negative_prompt: "blur",
  num_inference_steps: 3,
  guidance_scale: 2,
  sampler: "euler",
});
assert.equal(two.data.length, 2);
for (const image of two.data) {
  assert.equal(image.b64_json, undefined);
  const answer = await fetch(image.url);
  assert.equal(answer.headers.get("content-type"), "image/webp");
  assert.equal(Buffer.from(await answer.arrayBuffer()).subarray(8, 12).toString(), "WEBP");
}

const events = [];
for await (const event of await client.images.generate({
  prompt: "a red apple",
  model: "stub",
  size: "64x64",
  seed: 7,
  stream: true,
  partial_images: 2,
})) {
  events.push(event);
}
assert.deepEqual(
  events.map((event) => event.type),
  ["image_generation.partial_image", "image_generation.partial_image", "image_generation.completed"],
);
assert.deepEqual([events[0].partial_image_index, events[1].partial_image_index], [0, 1]);
assert.equal(bytes(events[0]).subarray(0, 2).toString("hex"), "ffd8");
assert.ok(bytes(events[2]).equals(picture));
assert.equal(events[2].usage.total_tokens, 0);

await refused(OpenAI.BadRequestError, 400, "n", "out_of_range", { n: 99 });
const large = await client.images.generate({ prompt: "a red apple", model: "gpt-image-2", size: "1024x1024", quality: "high" });
assert.deepEqual([large.size, large.requested_size], ["256x256", "1024x1024"]);
const dalle = await client.images.generate({ prompt: "a red apple", model: "dall-e-3", quality: "hd", style: "vivid" });
assert.equal(dalle.data[0].b64_json, undefined);
assert.match(dalle.data[0].url, /\.png$/);
assert.equal(Buffer.from(await (await fetch(dalle.data[0].url)).arrayBuffer()).subarray(1, 4).toString(), "PNG");

await refused(OpenAI.BadRequestError, 400, "size", "malformed", { size: "large" });
await refused(OpenAI.BadRequestError, 400, "style", "unsupported_value", { style: "baroque" });
await refused(OpenAI.NotFoundError, 404, "model", "model_not_found", { model: "nano-banana" });
await refused(OpenAI.InternalServerError, 500, null, "job_failed", { prompt: "unpredictable" });

let tries = 0;
const patient = new OpenAI({
  baseURL: server + "/v1",
  apiKey: "none",
  maxRetries: 2,
  fetch: (...request) => (tries++, fetch(...request)),
});
await assert.rejects(patient.images.generate({ prompt: "unpredictable" }), OpenAI.InternalServerError);
assert.equal(tries, 1, "a job that failed is not tried again");

await assert.rejects(
  async () => {
    for await (const event of await client.images.generate({ prompt: "unpredictable", stream: true })) {
      assert.fail(event.type);
    }
  },
  (error) => error instanceof OpenAI.APIError && error.code === "job_failed" && error.type === "server_error",
);

const fillers = [];
for (;;) {
  const answer = await fetch(server + "/v1/images", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ prompt: "a filler", steps: 150, n: 8 }),
  });
  if (answer.status === 429) break;
  assert.equal(answer.status, 202);
  fillers.push(answer.headers.get("location"));
}
try {
  await refused(OpenAI.RateLimitError, 429, null, "rate_limit_exceeded", {});
  await assert.rejects(
    client.images.generate({ prompt: "a red apple", stream: true }),
    (error) => error instanceof OpenAI.RateLimitError && Number(error.headers.get("retry-after")) > 0,
  );
} finally {
  for (const job of fillers) await fetch(server + job, { method: "DELETE" });
}

assert.equal((await client.models.retrieve("stub")).id, "stub");
assert.equal((await client.models.list()).data[0].id, "stub");

const later = new OpenAI({ baseURL: newer + "/v1", apiKey: "none", maxRetries: 0 });
const image = await later.images.generate({ prompt: "a red apple", model: "stub", size: "64x64", seed: 7 });
assert.equal(image.output_format, "added_later");
assert.ok(bytes(image.data[0]).equals(picture));
console.log("openai", VERSION, "for Node", process.version + ": all as expected");

async function refused(kind, status, param, code, request) {
  await assert.rejects(client.images.generate({ prompt: "a red apple", ...request }), (error) => {
    assert.ok(error instanceof kind, `${error}`);
    assert.deepEqual([error.status, error.param, error.code], [status, param, code]);
    return true;
  });
}
