// orval: its addresses are relative, so that fetch is given the server's.
import { createJob } from "./orval/api.js";

const fetched = globalThis.fetch;
globalThis.fetch = (url, options) => fetched(new URL(String(url), process.argv[2]!), options);
const answer = await createJob({ prompt: "a red apple", steps: 2 }, { headers: { "Content-Type": "application/json", Prefer: "wait=30" } });
if (answer.status !== 200) throw new Error(String(answer.status));
const id: string = answer.data.id;
if (!id || answer.data.state !== "succeeded") throw new Error(answer.data.state);
console.log("as expected");
