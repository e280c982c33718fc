// The generated TypeScript client against a running Darkroom: node round_trip.js SERVER NEWER_SERVER
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import {
  Configuration,
  ImagesApi,
  JobFromJSON,
  JobsApi,
  ModelsApi,
  ProblemFromJSON,
  ResponseError,
} from "./darkroom-client/index.js";
import { jobEvents } from "./jobEvents.js";

const [server, newer] = process.argv.slice(2) as [string, string];
const configuration = new Configuration({ basePath: server });
const images = new ImagesApi(configuration);
const jobs = new JobsApi(configuration);

const job = await images.createImages({ imageRequest: { prompt: "a red apple", seed: 7, steps: 100, previews: 1 } });
const events = [];
for await (const event of jobEvents(server, job.id!)) {
  events.push(event);
}
const names = events.map((event) => event.name);
assert.equal(names[0], "snapshot");
assert.equal(names.at(-1), "succeeded");
assert.ok(names.includes("step") && names.includes("image"));
const done = JobFromJSON(events.at(-1)!.data);
assert.equal(done.state, "succeeded");
assert.deepEqual(done.seeds, [7]);
const picture = new Uint8Array(await (await jobs.getJobImage({ id: job.id!, n: 0 })).arrayBuffer());
assert.equal(createHash("sha256").update(picture).digest("hex"), done.images![0]!.sha256);

const long = await images.createImages({ imageRequest: { prompt: "a car", steps: 150, n: 8 } });
await jobs.cancelJob({ id: long.id! });
assert.equal((await jobs.getJob({ id: long.id!, waitMs: 10000 })).state, "canceled");

try {
  await images.createImages({ imageRequest: { prompt: "a car", steps: 0 } });
  assert.fail("drawn in no steps");
} catch (error) {
  assert.ok(error instanceof ResponseError, `${error}`);
  assert.equal(error.response.status, 400);
  const problem = ProblemFromJSON(await error.response.json());
  assert.equal(problem.code, "invalid_request");
  assert.equal(problem.errors![0]!.field, "steps");
}

const later = new Configuration({ basePath: newer });
const changed = await new JobsApi(later).getJob({ id: job.id! });
assert.equal(changed.state as string, "added_later");
assert.equal(changed.parameters!.outputFormat as string, "added_later");
assert.deepEqual(changed.seeds, [7]);
assert.equal((await new ModelsApi(later).listModels()).models![0]!.id, "stub");
console.log("generated client for TypeScript: all as expected");
