"""Writes what diffusers makes of long and weighted prompts and of clip_skip with two tiny checkpoints, SD 1.5's and SDXL's.

Weights and chunks come from a community pipeline, which is no part of the installed package. Take the file
examples/community/lpw_stable_diffusion.py from diffusers at tag v0.35.2 and name it on the command line, from the repository root:

    OMP_NUM_THREADS=1 HF_HUB_OFFLINE=1 python src/test/reference/prompts_reference.py /tmp/lpw_stable_diffusion.py

It writes prompts.json and prompts.safetensors below src/test/resources/reference; nothing is downloaded.

diffusers has weights and chunks for SDXL only by another formula (lpw_stable_diffusion_xl.py draws a weighted token away from the last
one, and pools the last chunk). Here the same formula as for SD 1.5 is applied to each of the two encoders and the first chunk is
pooled, as stable-diffusion-webui does, and diffusers' own SDXL pipeline draws the picture.
"""

import importlib.util
import random
import sys

import numpy as np
import torch
from diffusers import StableDiffusionPipeline, StableDiffusionXLPipeline
from make_reference import CHECKPOINT, REFERENCE, RESOURCES, scheduler, write_json
from safetensors.torch import save_file

CHUNK = 75

# Python's float() refuses what Darkroom takes as text, so numbers that are none are not among these.
SYNTAX = [
    "",
    " ",
    "normal text",
    "an (important) word",
    "(unbalanced",
    "unbalanced)",
    "[unbalanced",
    "unbalanced]",
    "(a [b) c]",
    "[a (b] c)",
    "\\(literal\\]",
    "\\\\ \\x \\(a\\) (b\\)c)",
    "trailing \\",
    "(unnecessary)(parens)",
    "a (((house:1.3)) [on] a (hill:0.5), sun, (((sky))).",
    "(red apple:1.3)",
    "(red apple:+1.3) (blue:-0.5) (green:.5) (black:2.) (white:0)",
    "(red:1.3:1.2)",
    "red:1.3) apple",
    "[red:1.3] [from:to:0.5]",
    "(a:b)",
    "(a:1.5 b)",
    "ratio 16:9, (ratio 16:9), (16:9)",
    "()",
    "[]",
    "(())",
    "(:1.3)",
    "(a)(:1.3)b",
    ":-) ;-( :( :D :] (^_^) \\o/ ¯\\_(ツ)_/¯",
    "((((((((((x))))))))))",
    "[[[[[[[[[[x]]]]]]]]]]",
    "(a (b (c (d",
    "[a [b [c",
    "(a [b (c",
    "(a:1.1)(b:1.1) (c)",
    "(a:1)b",
    "a\n(b\nc:1.2)\n",
    "(\u732b:1.2) [\U0001f600]",
    "{a} <lora:x:0.8> (<lora:y:1>)",
]


def syntax(lpw):
    r = random.Random(2)
    pieces = ["(", "(", ")", ")", "[", "]", ":1.3)", ":0.5)", ":-1)", ":", "\\", "red", "apple", " ", ", ", "1.5", "x:2"]
    texts = SYNTAX + ["".join(r.choice(pieces) for _ in range(r.randint(1, 14))) for _ in range(500)]
    return [{"text": text, "pieces": lpw.parse_prompt_attention(text)} for text in dict.fromkeys(texts)]


LONG = "a watercolor painting of the castle at night, bright stars over the river and a little boat, "
PLAIN_NEGATIVE = "blurry, low quality"


def case(name, prompt, negative_prompt=PLAIN_NEGATIVE, **changes):
    settings = {"width": 32, "height": 32, "steps": 6, "guidance_scale": 7.5, "clip_skip": 0, "sampler": "euler"}
    return {
        "name": name,
        "folder": "tiny-sd",
        "prompt": prompt,
        "negative_prompt": negative_prompt,
        "schedule": "default",
        "seed": 60,
        **settings,
        **changes,
    }


# lpw's own pipeline draws these.
WEIGHTED = [
    case("plain", "a red apple, noto style"),
    case("weighted", "a (red:1.4) apple, [noto] (style), ((bright)) stars"),
    case("weighted_negative", "a red apple", "(blurry:1.5), [low quality], (bad:-0.5)", seed=61, sampler="ddim"),
    case("two_chunks", LONG * 4, seed=62),
    case("three_chunks", LONG * 8 + "(a cat:1.2)", "(low quality:1.3), blurry", seed=63, sampler="ddim", height=48),
    case("long_negative", "a (blue:1.3) car", LONG * 6, seed=64),
    case("exactly_75", "apple " * 75, "cat " * 75, seed=65),
    case("exactly_76", "apple " * 75 + "(cat:1.1)", "", seed=66, sampler="dpmpp_2m"),
    case("unguided", "(" + LONG * 5 + ":0.8)", "ignored " * 200, seed=67, guidance_scale=1.0),
    case("brackets", "(a [red (apple), :-) \\(noto\\) style", "(bad", seed=68),
]

# diffusers' own pipeline draws these; BREAK is written as the hidden states of the chunks one after the other.
CLIP_SKIP = [
    case(f"clip_skip_{skip}", "a red apple, noto style", seed=70 + skip, clip_skip=skip) for skip in (1, 2)
]
BREAK = [case("break", "a red apple BREAK a blue car at night", seed=80)]

XL = {"folder": "families/sdxl", "guidance_scale": 5.0}
SDXL = [
    case("sdxl.weighted", "a (red:1.4) apple, [noto] (style), ((bright)) stars", "(blurry:1.5)", seed=90, **XL),
    case("sdxl.three_chunks", LONG * 8 + "(a cat:1.2)!", "(low quality:1.3), blurry", seed=91, **XL),
    case("sdxl.no_negative", LONG * 4, "", seed=92, **XL),
]
SDXL_CLIP_SKIP = [case("sdxl.clip_skip_1", "a red apple, noto style", seed=93, clip_skip=1, **XL)]


def noise(settings):
    return torch.Generator("cpu").manual_seed(settings["seed"])


def draw(pipe, original, settings, tensors, **prompts):
    """Once to the latents and once to the picture."""
    pipe.scheduler = scheduler(original, settings["sampler"], settings["schedule"])
    arguments = {key: settings[key] for key in ("width", "height", "guidance_scale")}
    arguments |= {"num_inference_steps": settings["steps"], **prompts}
    name = f"prompts.{settings['name']}"
    latents = pipe(**arguments, generator=noise(settings), output_type="latent").images
    image = pipe(**arguments, generator=noise(settings), output_type="np").images[0]
    tensors[name + ".latents"] = latents
    tensors[name + ".picture"] = torch.from_numpy((image * 255).round().astype(np.float16))
    return settings


def hidden(pipe, text):
    ids = pipe.tokenizer(text, padding="max_length", truncation=True, return_tensors="pt").input_ids
    return pipe.text_encoder(ids)[0]


class Encoder:
    """One of SDXL's encoders with its tokenizer, as the community pipeline wants a pipeline to be."""

    device = "cpu"

    def __init__(self, tokenizer, encoder):
        self.words, self.encoder, self.pad = tokenizer, encoder, tokenizer.pad_token_id
        self.bos_token_id, self.eos_token_id, self.pad_token_id = tokenizer.bos_token_id, *[tokenizer.eos_token_id] * 2
        self.model_max_length = tokenizer.model_max_length
        self.tokenizer = self.text_encoder = self.text_model = self
        self.pooled = []

    def __call__(self, text_or_ids, **_):
        if isinstance(text_or_ids, str):
            return self.words(text_or_ids)
        ids = text_or_ids.clone()
        ids[0, ids[0].tolist().index(self.eos_token_id) + 1 :] = self.pad  # the chunk's end, then its padding
        output = self.encoder(ids, output_hidden_states=True)
        self.pooled.append(output[0])
        return output.hidden_states[-2], (output.hidden_states[-2],)

    def final_layer_norm(self, states):
        return states


def sdxl_embeddings(lpw, pipe, settings):
    parts = []
    negative = settings["negative_prompt"] or None
    for tokenizer, encoder in ((pipe.tokenizer, pipe.text_encoder), (pipe.tokenizer_2, pipe.text_encoder_2)):
        last = Encoder(tokenizer, encoder)
        parts.append(lpw.get_weighted_text_embeddings(last, settings["prompt"], negative, max_embeddings_multiples=40))
    prompt = torch.cat([part[0] for part in parts], -1)
    embeds = {"prompt_embeds": prompt, "pooled_prompt_embeds": last.pooled[0]}
    if negative is None:  # force_zeros_for_empty_prompt
        zeros, zero = torch.zeros_like(prompt), torch.zeros_like(last.pooled[0])
        return {**embeds, "negative_prompt_embeds": zeros, "negative_pooled_prompt_embeds": zero}
    embeds["negative_prompt_embeds"] = torch.cat([part[1] for part in parts], -1)
    return {**embeds, "negative_pooled_prompt_embeds": last.pooled[len(last.pooled) // 2]}


@torch.no_grad()
def main(path):
    spec = importlib.util.spec_from_file_location("lpw", path)
    lpw = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(lpw)
    long = lpw.StableDiffusionLongPromptWeightingPipeline.from_pretrained(CHECKPOINT, local_files_only=True)
    pipe = StableDiffusionPipeline.from_pretrained(CHECKPOINT, local_files_only=True)
    for each in (long, pipe):
        each.set_progress_bar_config(disable=True)
    original, tensors, cases = pipe.scheduler.config, {}, []

    for settings in WEIGHTED:
        texts = [settings["prompt"], settings["negative_prompt"] if settings["guidance_scale"] > 1 else None]
        embeddings = lpw.get_weighted_text_embeddings(long, *texts, max_embeddings_multiples=40)
        if "weighted" in settings["name"] or settings["name"] == "three_chunks":
            for part, states in zip(("prompt", "negative"), embeddings):
                tensors[f"prompts.{settings['name']}.{part}"] = states[0]
        settings["chunks"] = embeddings[0].shape[1] // (CHUNK + 2)
        prompts = {"prompt": texts[0], "negative_prompt": settings["negative_prompt"], "max_embeddings_multiples": 40}
        cases.append(draw(long, original, settings, tensors, **prompts))
    for settings in CLIP_SKIP:
        prompts = {key: settings[key] for key in ("prompt", "negative_prompt", "clip_skip")}
        cases.append(draw(pipe, original, settings, tensors, **prompts))
    for settings in BREAK:
        parts = [hidden(pipe, part) for part in settings["prompt"].split(" BREAK ")]
        negative = [hidden(pipe, settings["negative_prompt"])] + [hidden(pipe, "")] * (len(parts) - 1)
        embeds = {"prompt_embeds": torch.cat(parts, 1), "negative_prompt_embeds": torch.cat(negative, 1)}
        cases.append(draw(pipe, original, settings, tensors, **embeds))

    pipe = StableDiffusionXLPipeline.from_pretrained(
        RESOURCES / "families" / "sdxl", variant="fp16", torch_dtype=torch.float32, local_files_only=True
    )
    pipe.set_progress_bar_config(disable=True)
    original = pipe.scheduler.config
    for settings in SDXL:
        embeds = sdxl_embeddings(lpw, pipe, settings)
        if settings["name"] == "sdxl.weighted":
            tensors["prompts.sdxl.weighted.prompt"] = embeds["prompt_embeds"][0]
            tensors["prompts.sdxl.weighted.negative"] = embeds["negative_prompt_embeds"][0]
        settings["chunks"] = embeds["prompt_embeds"].shape[1] // (CHUNK + 2)
        cases.append(draw(pipe, original, settings, tensors, **embeds))
    for settings in SDXL_CLIP_SKIP:
        prompts = {key: settings[key] for key in ("prompt", "negative_prompt", "clip_skip")}
        cases.append(draw(pipe, original, settings, tensors, **prompts))

    write_json(REFERENCE / "prompts.json", {"syntax": syntax(lpw), "pipeline": cases})
    save_file({name: t.contiguous() for name, t in tensors.items()}, REFERENCE / "prompts.safetensors")


if __name__ == "__main__":
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    main(sys.argv[1])
