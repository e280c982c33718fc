// openapi-typescript and openapi-fetch: the simplest request compiles, and the job has its fields.
import createClient from "openapi-fetch";
import type { paths } from "./openapi-typescript/schema.js";

const client = createClient<paths>({ baseUrl: process.argv[2]! });
const { data, error } = await client.POST("/v1/jobs", {
  body: { prompt: "a red apple", steps: 2 },
  params: { header: { Prefer: "wait=30" } },
});
if (error) throw new Error(error.detail);
const id: string = data.id;
const seeds: number[] = data.seeds;
if (!id || data.state !== "succeeded" || data.images.length !== seeds.length) throw new Error(data.state);
const refused = await client.POST("/v1/jobs", { body: { prompt: "a red apple", steps: 0 } });
if (refused.error?.code !== "invalid_request") throw new Error("not refused");
console.log("as expected");
