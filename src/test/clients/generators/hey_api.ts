// @hey-api/openapi-ts
import { createClient } from "./hey-api/client/index.js";
import { createJob } from "./hey-api/sdk.gen.js";

const client = createClient({ baseUrl: process.argv[2]! });
const { data, error } = await createJob({ client, body: { prompt: "a red apple", steps: 2 }, headers: { Prefer: "wait=30" } });
if (error || !data) throw new Error(JSON.stringify(error));
const id: string = data.id;
if (!id || data.state !== "succeeded") throw new Error(data.state);
console.log("as expected");
