// swagger-typescript-api
import { Api } from "./swagger-typescript-api/api.js";

const api = new Api({ baseUrl: process.argv[2]! });
const answer = await api.v1.createJob({ prompt: "a red apple", steps: 2 }, { headers: { Prefer: "wait=30" } });
const id: string = answer.data.id;
if (!id || answer.data.state !== "succeeded") throw new Error(answer.data.state);
console.log("as expected");
