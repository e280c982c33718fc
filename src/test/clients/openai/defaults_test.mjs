// What is built on OpenAI's package for Node, unmodified and at its defaults, and what LibreChat and Open WebUI send:
// node defaults_test.mjs; needs OPENAI_BASE_URL and OPENAI_API_KEY
import assert from "node:assert/strict";
import { DallEAPIWrapper } from "@langchain/openai";
import OpenAI from "openai";

const server = process.env.OPENAI_BASE_URL;
const key = process.env.OPENAI_API_KEY;
const prompt = "a red apple";
const openai = new OpenAI();

/** Without any header of ours: whoever shows the picture has no key. */
async function fetched(url) {
  const answer = await fetch(url);
  assert.equal(answer.status, 200, url);
  return Buffer.from(await answer.arrayBuffer());
}

const clients = {
  openai: async () => Buffer.from((await openai.images.generate({ prompt })).data[0].b64_json, "base64"),

  openaiWithDallE: async () => fetched((await openai.images.generate({ prompt, model: "dall-e-2" })).data[0].url),

  langChain: async () => fetched(await new DallEAPIWrapper().invoke(prompt)),

  // LibreChat, api/app/clients/tools/structured/DALLE3.js: the same package, and a name for the file from the URL.
  libreChatDallE3: async () => {
    const answer = await openai.images.generate({
      model: "dall-e-3",
      quality: "standard",
      style: "vivid",
      size: "1024x1024",
      prompt,
      n: 1,
    });
    const url = answer.data[0].url;
    assert.match(url.match(/[\w\d]+\.png/)[0], /^job_\w+_0\.png$/);
    assert.match(new URL(url).pathname.split("/").pop(), /\.(jpg|jpeg|png|gif|bmp|tiff|svg)$/i);
    return fetched(url);
  },

  // LibreChat, api/app/clients/tools/structured/OpenAIImageTools.js
  libreChatImageGen: async () => {
    const answer = await openai.images.generate(
      {
        model: "gpt-image-1",
        prompt,
        n: Math.min(Math.max(1, 10), 10),
        background: "auto",
        output_format: "png",
        output_compression: undefined,
        quality: "auto",
        size: "auto",
      },
      { signal: null },
    );
    assert.equal(answer.data.length, 10);
    return Buffer.from(answer.data[9].b64_json, "base64");
  },

  // Open WebUI 0.12.4, routers/images.py, with the field for the model left empty: it then says dall-e-2.
  openWebUi: () => openWebUi({ model: "dall-e-2", prompt, n: 1, size: "512x512", response_format: "b64_json" }),
  openWebUiWithoutModel: () => openWebUi({ model: "", prompt, n: 1, size: "1024x1024", response_format: "b64_json" }),
  openWebUiWithGptImage: () => openWebUi({ model: "gpt-image-1", prompt, n: 1, size: "1024x1024" }),
};

/** As its code looks at the answer: a url goes before b64_json. */
async function openWebUi(body) {
  const answer = await fetch(server + "/images/generations", {
    method: "POST",
    headers: { Authorization: `Bearer ${key}`, "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  assert.equal(answer.status, 200, await answer.clone().text());
  const [image] = (await answer.json()).data;
  return image.url ? fetched(image.url) : Buffer.from(image.b64_json, "base64");
}

for (const [name, draw] of Object.entries(clients)) {
  const picture = await draw();
  assert.equal(picture.subarray(0, 8).toString("latin1"), "\x89PNG\r\n\x1a\n", name);
  console.log(name, picture.length, "bytes");
}
console.log("all draw");
