"""Writes Darkroom's tiny checkpoint and the numbers that diffusers and torch compute with it.

Run from the repository root; README.md beside this file names the versions and describes the output:

    OMP_NUM_THREADS=1 python src/test/reference/make_reference.py

Everything is derived from fixed seeds; nothing is downloaded.
"""

import json
import math
import shutil
from collections import Counter
from pathlib import Path

import diffusers
import numpy as np
import torch
import transformers
from diffusers import (
    AutoencoderKL,
    DDIMScheduler,
    DPMSolverMultistepScheduler,
    EulerAncestralDiscreteScheduler,
    EulerDiscreteScheduler,
    StableDiffusionPipeline,
    UNet2DConditionModel,
)
from safetensors.torch import save_file
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer, CLIPTokenizerFast
from transformers.models.bert.tokenization_bert import BasicTokenizer
from transformers.models.clip.tokenization_clip import bytes_to_unicode

RESOURCES = Path(__file__).resolve().parents[1] / "resources"
CHECKPOINT = RESOURCES / "tiny-sd"
REFERENCE = RESOURCES / "reference"

WEIGHTS_SEED = 20240917
MERGES = 300
MAX_LENGTH = 77

# Configurations: the keys that Stable Diffusion 1.5 writes, with smaller numbers. Keys left out there are left out here,
# so that a reader's defaults are tested too.

TEXT_ENCODER = {
    "architectures": ["CLIPTextModel"],
    "attention_dropout": 0.0,
    "bos_token_id": 0,
    "dropout": 0.0,
    "eos_token_id": 2,  # not the real id: transformers then pools at the largest id of the row
    "hidden_act": "quick_gelu",
    "hidden_size": 32,
    "initializer_factor": 1.0,
    "initializer_range": 0.02,
    "intermediate_size": 64,
    "layer_norm_eps": 1e-05,
    "max_position_embeddings": MAX_LENGTH,
    "model_type": "clip_text_model",
    "num_attention_heads": 4,
    "num_hidden_layers": 3,
    "pad_token_id": 1,
    "projection_dim": 32,
    "torch_dtype": "float32",
    "vocab_size": 512 + MERGES + 2,
}
UNET = {
    "_class_name": "UNet2DConditionModel",
    "_diffusers_version": "0.35.2",
    "act_fn": "silu",
    "attention_head_dim": 8,  # read as the number of heads, as in SD 1.x
    "block_out_channels": [32, 48],
    "center_input_sample": False,
    "cross_attention_dim": 32,
    "down_block_types": ["CrossAttnDownBlock2D", "DownBlock2D"],
    "downsample_padding": 1,
    "flip_sin_to_cos": True,
    "freq_shift": 0,
    "in_channels": 4,
    "layers_per_block": 2,
    "mid_block_scale_factor": 1,
    "norm_eps": 1e-05,
    "norm_num_groups": 8,
    "out_channels": 4,
    "sample_size": 16,
    "up_block_types": ["UpBlock2D", "CrossAttnUpBlock2D"],
}
VAE = {
    "_class_name": "AutoencoderKL",
    "_diffusers_version": "0.35.2",
    "act_fn": "silu",
    "block_out_channels": [16, 32],
    "down_block_types": ["DownEncoderBlock2D", "DownEncoderBlock2D"],
    "in_channels": 3,
    "latent_channels": 4,
    "layers_per_block": 1,
    "norm_num_groups": 8,
    "out_channels": 3,
    "sample_size": 32,
    "scaling_factor": 0.18215,
    "up_block_types": ["UpDecoderBlock2D", "UpDecoderBlock2D"],
}
SCHEDULER = {
    "_class_name": "PNDMScheduler",
    "_diffusers_version": "0.35.2",
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "beta_start": 0.00085,
    "clip_sample": False,
    "num_train_timesteps": 1000,
    "set_alpha_to_one": False,
    "skip_prk_steps": True,
    "steps_offset": 1,
    "trained_betas": None,
}
MODEL_INDEX = {
    "_class_name": "StableDiffusionPipeline",
    "_diffusers_version": "0.35.2",
    "feature_extractor": [None, None],
    "requires_safety_checker": False,
    "safety_checker": [None, None],
    "scheduler": ["diffusers", "PNDMScheduler"],
    "text_encoder": ["transformers", "CLIPTextModel"],
    "tokenizer": ["transformers", "CLIPTokenizer"],
    "unet": ["diffusers", "UNet2DConditionModel"],
    "vae": ["diffusers", "AutoencoderKL"],
}

# Merges are learnt from these words; a word's weight falls with its place.
WORDS = """
a the of and in on with photo picture style noto red green blue yellow white black apple orange cat dog horse bird fish
flower tree house heart star moon sun cloud rain snow face smiling grinning crying eyes hand waving man woman child
astronaut riding mars painting drawing watercolor oil portrait landscape mountain river ocean beach forest city street
castle night morning light bright dark shadow high quality detailed highly digital art trending realistic cinematic
blurry ugly low worst bad anatomy deformed text watermark signature cropped small large old new little big round square
train car bicycle airplane rocket ship boat book clock phone computer camera guitar music ball game cake bread cheese
""".split()

PROMPTS = [
    "a red apple, noto style",
    "A highly detailed photo of an astronaut riding a horse on mars; the moon's light, 8k!",
]
NEGATIVE_PROMPT = "blurry, low quality"
LONG_PROMPT = "a watercolor painting of the castle at night, bright stars over the river and a little boat, " * 4

TOKENIZED = PROMPTS + [
    NEGATIVE_PROMPT,
    LONG_PROMPT,
    "",
    " ",
    "a",
    "apple",
    "apples",
    "APPLE Apple aPPle",
    "red  apple",
    "   red \t apple \n\n on\r\nmars   ",
    "red\u00a0apple\u2003moon\u3000sun",
    "it's the cat's, they're we've I'm you'll he'd don't CAN'T",
    "'s 't '''",
    "it\u2019s a \u201cquoted\u201d dog \u2014 and\u2026",
    "!!! ??? ...,,, :-) ;-(",
    "(red apple:1.3), [green], {blue} <lora:x:0.5>",
    "hello_world foo-bar a/b\\c a+b=c",
    "0 1 12 2024 3.14 1,000 x2 4k mp3",
    "\u00bd \u00b2 \u2167 \u0663 \u4e09",
    "caf\u00e9 na\u00efve \u00fcber \u00c5ngstr\u00f6m \u0130stanbul \u00dfTRASSE \u1e9e",
    "cafe\u0301 A\u030angstrom",
    "\ufb01ne \ufb02ower \uff21\uff22\uff23 \u2460",
    "\u041f\u0440\u0438\u0432\u0435\u0442 \u041c\u0418\u0420",
    "\u0395\u03bb\u03bb\u03b7\u03bd\u03b9\u03ba\u03ac \u03a3\u039f\u03a6\u039f\u03a3",
    "\u0639\u0631\u0628\u064a \u05e2\u05d1\u05e8\u05d9\u05ea",
    "\u0928\u092e\u0938\u094d\u0924\u0947 \u0e2a\u0e27\u0e31\u0e2a\u0e14\u0e35",
    "\u732b",
    "\u732b\u3068\u72ac cat\u72acdog",
    "\u65e5\u672c\u8a9e\u306e\u30c6\u30ad\u30b9\u30c8 \ud55c\uad6d\uc5b4",
    "\U0001f600",
    "cat\U0001f431dog \U0001f600\U0001f600",
    "\U0001f468\u200d\U0001f469\u200d\U0001f467 \U0001f44b\U0001f3fd \u2764\ufe0f \U0001f1e9\U0001f1ea",
    "a\u0000b\u0001c\u0007d\u001be\u007ff\u0085g",
    "zero\u200bwidth soft\u00adhyphen \ufeffbom \ufffd",
    "caf\u00c3\u00a9 \u00e2\u20ac\u0153quote",
    "&lt;b&gt; &amp;amp; 1 &lt; 2",
    "<|startoftext|> a cat <|endoftext|> a dog",
    "<|ENDOFTEXT|>apple<|endoftext|>",
    "a" * 100,
    "\U0001f431" * 40,
    ", ".join(["red apple"] * 40),
]


def write_json(path, value):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, indent=1, ensure_ascii=True) + "\n", encoding="utf-8")


# The tokenizer: byte-level BPE in CLIP's form.


def learn_merges(words, count):
    """The `count` most frequent adjacent pairs, one after the other; ties go to the alphabetically first pair."""
    weights = {}
    for place, word in enumerate(words):
        symbols = (*word[:-1], word[-1] + "</w>")
        weights[symbols] = weights.get(symbols, 0) + len(words) - place
    merges = []
    while len(merges) < count:
        pairs = Counter()
        for symbols, weight in weights.items():
            for pair in zip(symbols, symbols[1:]):
                pairs[pair] += weight
        best = min(pairs, key=lambda pair: (-pairs[pair], pair))
        merges.append(best)
        weights = {merge(symbols, best): weight for symbols, weight in weights.items()}
    return merges


def merge(symbols, pair):
    merged, i = [], 0
    while i < len(symbols):
        if symbols[i : i + 2] == pair:
            merged.append(pair[0] + pair[1])
            i += 2
        else:
            merged.append(symbols[i])
            i += 1
    return tuple(merged)


def write_tokenizer(folder):
    merges = learn_merges(WORDS, MERGES)
    byte_symbols = list(bytes_to_unicode().values())
    vocabulary = byte_symbols + [symbol + "</w>" for symbol in byte_symbols]
    vocabulary += ["".join(pair) for pair in merges] + ["<|startoftext|>", "<|endoftext|>"]
    assert len(set(vocabulary)) == len(vocabulary) == TEXT_ENCODER["vocab_size"]
    folder.mkdir(parents=True)
    ids = {symbol: i for i, symbol in enumerate(vocabulary)}
    (folder / "vocab.json").write_text(json.dumps(ids, ensure_ascii=False), encoding="utf-8")
    (folder / "merges.txt").write_text(
        "#version: 0.2\n" + "".join(f"{left} {right}\n" for left, right in merges), encoding="utf-8"
    )
    start, end = (
        {"content": token, "lstrip": False, "normalized": True, "rstrip": False, "single_word": False}
        for token in ("<|startoftext|>", "<|endoftext|>")
    )
    write_json(
        folder / "special_tokens_map.json",
        {"bos_token": start, "eos_token": end, "pad_token": "<|endoftext|>", "unk_token": end},
    )
    write_json(
        folder / "tokenizer_config.json",
        {
            "add_prefix_space": False,
            "bos_token": {"__type": "AddedToken", **start},
            "do_lower_case": True,
            "eos_token": {"__type": "AddedToken", **end},
            "errors": "replace",
            "model_max_length": MAX_LENGTH,
            "pad_token": "<|endoftext|>",
            "tokenizer_class": "CLIPTokenizer",
            "unk_token": {"__type": "AddedToken", **end},
        },
    )


# The weights: random, but with no zero bias and no unit norm weight that could hide a mistake.


@torch.no_grad()
def randomise(model, generator, gains):
    for name, parameter in model.named_parameters():
        noise = torch.randn(parameter.shape, generator=generator)
        if "norm" in name or parameter.dim() == 1:
            is_norm_weight = "norm" in name and name.endswith("weight")
            parameter.copy_(noise * 0.2 + (1 if is_norm_weight else 0))
        elif "embedding.weight" in name:
            parameter.copy_(noise * 0.5)
        else:
            parameter.copy_(noise / math.sqrt(parameter[0].numel()))
        for part, gain in gains.items():
            if part in name:
                parameter.mul_(gain)
    return model.eval()


def write_checkpoint():
    shutil.rmtree(CHECKPOINT, ignore_errors=True)
    write_json(CHECKPOINT / "model_index.json", MODEL_INDEX)
    write_json(CHECKPOINT / "scheduler" / "scheduler_config.json", SCHEDULER)
    write_tokenizer(CHECKPOINT / "tokenizer")

    generator = torch.Generator("cpu").manual_seed(WEIGHTS_SEED)
    text_encoder = randomise(CLIPTextModel(CLIPTextConfig(**TEXT_ENCODER)), generator, {})
    unet = randomise(UNet2DConditionModel.from_config(UNET), generator, UNET_GAINS)
    vae = randomise(AutoencoderKL.from_config(VAE), generator, VAE_GAINS)

    text_state = {name: p.detach() for name, p in text_encoder.named_parameters()}
    # SD 1.5's file has this integer tensor, which is no weight; newer transformers leave it out.
    text_state["text_model.embeddings.position_ids"] = torch.arange(MAX_LENGTH)[None]
    for folder, config, file, state in (
        ("text_encoder", TEXT_ENCODER, "model.safetensors", text_state),
        ("unet", UNET, "diffusion_pytorch_model.safetensors", unet.state_dict()),
        ("vae", VAE, "diffusion_pytorch_model.safetensors", vae.state_dict()),
    ):
        write_json(CHECKPOINT / folder / "config.json", config)
        tensors = {name: tensor.contiguous() for name, tensor in state.items()}
        save_file(tensors, CHECKPOINT / folder / file, metadata={"format": "pt"})


# The output layers follow a normalisation, so their gain is the output's scale.
UNET_GAINS = {"conv_out": 2.0}
VAE_GAINS = {"decoder.conv_out": 0.6}


# The reference numbers.


def tokenizations():
    slow = CLIPTokenizer.from_pretrained(CHECKPOINT / "tokenizer")
    fast = CLIPTokenizerFast.from_pretrained(CHECKPOINT / "tokenizer")
    if slow.fix_text is None:
        raise SystemExit("ftfy is not installed, but one of the three recorded tokenizations needs it")

    def ids(tokenizer, text):
        return tokenizer(text, truncation=True, max_length=MAX_LENGTH)["input_ids"]

    with_ftfy = [ids(slow, text) for text in TOKENIZED]
    # What CLIPTokenizer does where ftfy is not installed.
    slow.fix_text, slow.nlp, slow.cache = None, BasicTokenizer(strip_accents=False, do_split_on_punc=False), {}
    slow.cache.update({token: token for token in ("<|startoftext|>", "<|endoftext|>")})
    return [
        {"text": text, "ids": ids(slow, text), "ids_with_ftfy": cleaned, "ids_fast": ids(fast, text)}
        for text, cleaned in zip(TOKENIZED, with_ftfy)
    ]


def networks(pipe, tensors):
    generator = torch.Generator("cpu").manual_seed(1)
    texts = []
    for i, prompt in enumerate(PROMPTS):
        ids = pipe.tokenizer(prompt, padding="max_length", truncation=True, max_length=MAX_LENGTH)["input_ids"]
        output = pipe.text_encoder(torch.tensor([ids]), output_hidden_states=True)
        tensors[f"text.{i}.hidden"] = output[0]
        tensors[f"text.{i}.pooled"] = output.pooler_output
        # diffusers' clip_skip=1
        tensors[f"text.{i}.hidden_clip_skip_1"] = pipe.text_encoder.text_model.final_layer_norm(output.hidden_states[-2])
        texts.append({"prompt": prompt, "ids": ids})

    tensors["unet.sample"] = torch.randn(3, 4, 16, 16, generator=generator)
    tensors["unet.timestep"] = torch.tensor([1.0, 523.375, 981.0])
    tensors["unet.context"] = torch.randn(3, MAX_LENGTH, 32, generator=generator)
    tensors["unet.output"] = pipe.unet(tensors["unet.sample"], tensors["unet.timestep"], tensors["unet.context"]).sample

    y, x = torch.meshgrid(torch.linspace(-1, 1, 32), torch.linspace(-1, 1, 32), indexing="ij")
    disc = ((x - 0.2) ** 2 + y**2 < 0.4).float() * 2 - 1
    tensors["vae.picture"] = torch.stack([x, (x * 3 + y * 5).sin(), disc])[None]
    encoded = pipe.vae.encode(tensors["vae.picture"]).latent_dist
    tensors["vae.mean"], tensors["vae.logvar"] = encoded.mean, encoded.logvar
    tensors["vae.latents"] = torch.randn(1, 4, 16, 16, generator=generator)
    tensors["vae.decoded"] = pipe.vae.decode(tensors["vae.latents"]).sample
    return texts


NOISE_SEEDS = [0, 42, 123456789, 2**32 + 5]
NOISE_SHAPES = [(5,), (16,), (100,), (1, 4, 8, 8), (1, 4, 64, 64)]


def noise(tensors):
    summaries = []
    for seed in NOISE_SEEDS:
        for shape in NOISE_SHAPES:
            values = torch.randn(shape, generator=torch.Generator("cpu").manual_seed(seed))
            name = f"noise.{seed}.{'x'.join(map(str, shape))}"
            flat = values.flatten()
            if flat.numel() <= 256:
                tensors[name] = values
            else:
                tensors[name + ".first"], tensors[name + ".last"] = flat[:8], flat[-8:]
            exact = flat.double()
            summaries.append(
                {
                    "name": name,
                    "seed": seed,
                    "shape": shape,
                    "sum": exact.sum().item(),
                    "sum_abs": exact.abs().sum().item(),
                }
            )
    # One generator drawn from four times: sizes below 16 take another path in torch and leave a spare value behind.
    generator = torch.Generator("cpu").manual_seed(7)
    for i, size in enumerate((5, 20, 3, 16)):
        tensors[f"noise_sequence.7.{i}"] = torch.randn(size, generator=generator)
    return summaries


class EulerAncestralKarras(EulerAncestralDiscreteScheduler):
    """diffusers' ancestral Euler steps over the noise levels of its Euler scheduler with Karras spacing."""

    def set_timesteps(self, num_inference_steps, device=None):
        super().set_timesteps(num_inference_steps, device)
        spaced = EulerDiscreteScheduler.from_config(self.config, use_karras_sigmas=True)
        spaced.set_timesteps(num_inference_steps, device)
        self.sigmas, self.timesteps = spaced.sigmas, spaced.timesteps


def scheduler(config, sampler, schedule, **overrides):
    if schedule == "karras":
        make, extra = {
            "ddim": (DPMSolverMultistepScheduler, {"solver_order": 1, "use_karras_sigmas": True}),
            "euler": (EulerDiscreteScheduler, {"use_karras_sigmas": True}),
            "euler_ancestral": (EulerAncestralKarras, {}),
            "dpmpp_2m": (DPMSolverMultistepScheduler, {"use_karras_sigmas": True}),
        }[sampler]
    else:
        make, extra = {
            "ddim": (DDIMScheduler, {}),
            "euler": (EulerDiscreteScheduler, {}),
            "euler_ancestral": (EulerAncestralDiscreteScheduler, {}),
            "dpmpp_2m": (DPMSolverMultistepScheduler, {}),
        }[sampler]
    return make.from_config(config, **extra, **overrides)


def case(name, sampler, schedule="default", **changes):
    return {
        "name": name,
        "sampler": sampler,
        "schedule": schedule,
        "prediction_type": "epsilon",
        "prompt": PROMPTS[0],
        "negative_prompt": NEGATIVE_PROMPT,
        "seed": 42,
        "width": 32,
        "height": 32,
        "steps": 20,
        "guidance_scale": 7.5,
        "scheduler_overrides": {},
        **changes,
    }


LEADING = {"scheduler_overrides": {"timestep_spacing": "leading"}}
V_PREDICTION = {"prediction_type": "v_prediction", "scheduler_overrides": {"prediction_type": "v_prediction"}}
CASES = [
    case("ddim.default", "ddim"),
    case("ddim.karras", "ddim", "karras", seed=43),
    case("euler.default", "euler", seed=44),
    case("euler.karras", "euler", "karras", seed=45),
    case("euler_ancestral.default", "euler_ancestral", seed=46),
    case("euler_ancestral.karras", "euler_ancestral", "karras", seed=47),
    case("dpmpp_2m.default", "dpmpp_2m", width=48, seed=48),
    case("dpmpp_2m.karras", "dpmpp_2m", "karras", seed=49),
    case("euler.leading", "euler", seed=44, **LEADING),
    case("euler_ancestral.leading", "euler_ancestral", seed=46, **LEADING),
    case("dpmpp_2m.leading", "dpmpp_2m", seed=48, **LEADING),
    case("ddim.v_prediction", "ddim", seed=50, **V_PREDICTION),
    case("euler.v_prediction", "euler", seed=50, **V_PREDICTION),
    case("dpmpp_2m.v_prediction", "dpmpp_2m", seed=51, **V_PREDICTION),
    case("ddim.unguided", "ddim", guidance_scale=1.0, negative_prompt="", seed=2**32 + 5, steps=7),
]


def draw(pipe, original, settings, tensors):
    """Runs the pipeline as a user would, twice: once to the latents and once to the picture."""
    overrides = settings["scheduler_overrides"]
    pipe.scheduler = scheduler(original, settings["sampler"], settings["schedule"], **overrides)
    arguments = {key: settings[key] for key in ("prompt", "negative_prompt", "width", "height", "guidance_scale")}
    after = []

    def remember(_pipe, _step, _timestep, values):
        after.append(values["latents"])
        return {}

    def run(**output):
        generator = torch.Generator("cpu").manual_seed(settings["seed"])
        return pipe(**arguments, num_inference_steps=settings["steps"], generator=generator, **output).images

    name = f"pipeline.{settings['name']}"
    tensors[name + ".latents"] = run(output_type="latent", callback_on_step_end=remember)
    tensors[name + ".latents_after_1"] = after[0]
    tensors[name + ".picture"] = torch.from_numpy(np.array(run(output_type="pil")[0])).float()
    used = pipe.scheduler
    result = {
        **settings,
        "scheduler_class": type(used).__mro__[1 if isinstance(used, EulerAncestralKarras) else 0].__name__,
        "timestep_spacing": used.config.timestep_spacing,
        "timesteps": used.timesteps.tolist(),
        "init_noise_sigma": float(used.init_noise_sigma),
    }
    if hasattr(used, "sigmas"):
        result["sigmas"] = used.sigmas.tolist()
    return result


@torch.no_grad()
def write_reference():
    pipe = StableDiffusionPipeline.from_pretrained(CHECKPOINT, local_files_only=True)
    pipe.set_progress_bar_config(disable=True)
    original = pipe.scheduler.config
    tensors = {}
    reference = {
        "versions": {
            "torch": torch.__version__,
            "diffusers": diffusers.__version__,
            "transformers": transformers.__version__,
            "numpy": np.__version__,
            "cpu_capability": torch.backends.cpu.get_cpu_capability(),
        },
        "tokenizer": tokenizations(),
        "text": networks(pipe, tensors),
        "noise": noise(tensors),
        "pipeline": [draw(pipe, original, settings, tensors) for settings in CASES],
    }
    shutil.rmtree(REFERENCE, ignore_errors=True)
    write_json(REFERENCE / "reference.json", reference)
    save_file({name: t.float().contiguous() for name, t in tensors.items()}, REFERENCE / "reference.safetensors")


if __name__ == "__main__":
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    write_checkpoint()
    write_reference()
