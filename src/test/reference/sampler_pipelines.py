"""Whole pipelines on the tiny checkpoint: every sampler with every prediction type that diffusers' class implements.

    OMP_NUM_THREADS=1 HF_HUB_OFFLINE=1 python src/test/reference/sampler_pipelines.py

Versions as in README.md. Writes src/test/resources/reference/samplers.{json,safetensors}: final latents in fp32 and the 8-bit
picture. make_reference.py's outputs stay as they are.
"""

import json

import torch
from diffusers import StableDiffusionPipeline
from make_reference import CHECKPOINT, NEGATIVE_PROMPT, PROMPTS, REFERENCE
from safetensors.torch import save_file
from sampling_reference import CLASSES, OPTIONS, predictions

STEPS = 20
SIZE = 32


@torch.no_grad()
def main():
    pipe = StableDiffusionPipeline.from_pretrained(CHECKPOINT)
    pipe.set_progress_bar_config(disable=True)
    file = pipe.scheduler.config
    cases, tensors = [], {}

    def case(sampler, prediction, rescale=0.0, overrides=None, clip_skip=None, **given):
        options = {"prediction_type": prediction, **(overrides or {}), **OPTIONS.get(sampler, {})}
        pipe.scheduler = CLASSES[sampler].from_config(file, **options)
        name = ".".join([sampler, prediction] + ([f"rescale_{rescale}"] if rescale else []) + sorted(given))
        name += ".zero_snr" if overrides else ""
        name += f".clip_skip_{clip_skip}" if clip_skip else ""
        seed = 100 + len(cases)
        arguments = dict(
            prompt=PROMPTS[0],
            negative_prompt=NEGATIVE_PROMPT,
            width=SIZE,
            height=SIZE,
            guidance_scale=7.5,
            guidance_rescale=rescale,
            clip_skip=clip_skip,
            **(given or {"num_inference_steps": STEPS}),
        )
        latents = pipe(**arguments, generator=torch.Generator("cpu").manual_seed(seed), output_type="latent").images
        picture = pipe(**arguments, generator=torch.Generator("cpu").manual_seed(seed), output_type="np").images[0]
        tensors[f"{name}.latents"] = latents.float()
        tensors[f"{name}.picture"] = torch.from_numpy((picture * 255).round()).float()
        cases.append(
            {
                "name": name,
                "prompt": PROMPTS[0],
                "negative_prompt": NEGATIVE_PROMPT,
                "width": SIZE,
                "height": SIZE,
                "steps": STEPS,
                "guidance_scale": 7.5,
                "guidance_rescale": rescale,
                "clip_skip": clip_skip or 0,
                "seed": seed,
                "sampler": sampler,
                "scheduler_overrides": {"prediction_type": prediction, **(overrides or {})},
                **({"given": given} if given else {}),
            }
        )

    later = ["dpm2", "dpm2_ancestral", "dpmpp_2s", "deis"]  # at the end, for the seeds of the others
    for sampler in CLASSES:
        for prediction in predictions(sampler) if sampler not in later else []:
            case(sampler, prediction)
    zero = {"rescale_betas_zero_snr": True, "timestep_spacing": "trailing"}
    case("euler", "epsilon", rescale=0.7)
    case("ddim", "v_prediction", rescale=0.7, overrides=zero)
    case("euler", "v_prediction", overrides=zero)
    case("dpmpp_2m", "epsilon", clip_skip=1)
    case("dpmpp_2m", "epsilon", clip_skip=2)
    case("euler", "epsilon", timesteps=[999, 845, 730, 587, 443, 310, 193, 116, 53, 13])
    case("euler", "epsilon", sigmas=[14.615, 6.315, 3.771, 2.181, 1.342, 0.862, 0.555, 0.38, 0.234, 0.113, 0.029, 0.0])
    for sampler in later:
        for prediction in predictions(sampler):
            case(sampler, prediction)
    (REFERENCE / "samplers.json").write_text(json.dumps({"cases": cases}, indent=1) + "\n")
    save_file({name: t.contiguous() for name, t in tensors.items()}, REFERENCE / "samplers.safetensors")
    print(len(cases), "cases")


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
