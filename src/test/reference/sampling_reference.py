"""Reference numbers for SamplerReferenceTests, from diffusers and torch themselves.

Run with diffusers 0.35.2, torch 2.7.1, numpy 2:  python sampling_reference.py
Writes src/test/resources/sampling/reference.json.

The network is a formula, out = 0.3 * input * cos(t / 100) + 0.1, so that no weights are needed and every sampler's input
scaling and timestep matter. Every run begins as the diffusers pipelines do: latents from torch.Generator("cpu"), times
init_noise_sigma; the same generator goes on to step().
"""

import json
import math
import os
import sys

import diffusers
import numpy as np
import torch
from diffusers import (
    DDIMScheduler,
    DPMSolverMultistepScheduler,
    EulerAncestralDiscreteScheduler,
    EulerDiscreteScheduler,
)

SIZE = 64
SD15 = {  # runwayml/stable-diffusion-v1-5, scheduler/scheduler_config.json: silent on timestep_spacing
    "_class_name": "PNDMScheduler",
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "num_train_timesteps": 1000,
    "set_alpha_to_one": False,
    "skip_prk_steps": True,
    "steps_offset": 1,
    "trained_betas": None,
    "clip_sample": False,
}


def make(sampler, karras, config, steps):
    if sampler == "ddim":
        if karras:
            s = DPMSolverMultistepScheduler.from_config(config, solver_order=1, use_karras_sigmas=True)
        else:
            s = DDIMScheduler.from_config(config)
        s.set_timesteps(steps)
    elif sampler == "euler":
        s = EulerDiscreteScheduler.from_config(config, **({"use_karras_sigmas": True} if karras else {}))
        s.set_timesteps(steps)
    elif sampler == "euler_ancestral":
        s = EulerAncestralDiscreteScheduler.from_config(config)
        s.set_timesteps(steps)
        if karras:
            levels = EulerDiscreteScheduler.from_config(config, use_karras_sigmas=True)
            levels.set_timesteps(steps)
            s.sigmas, s.timesteps = levels.sigmas, levels.timesteps
    else:
        s = DPMSolverMultistepScheduler.from_config(config, **({"use_karras_sigmas": True} if karras else {}))
        s.set_timesteps(steps)
    return s


def run(sampler, karras, config, steps, seed=7, detail=True):
    s = make(sampler, karras, config, steps)
    first = s.timesteps[0].item()
    if sum(t.item() == first for t in s.timesteps) > 1:
        # diffusers would begin at the second of equal first timesteps and then run off the end
        print("equal first timesteps:", sampler, karras, steps, config.get("beta_schedule"), file=sys.stderr)
        s.set_begin_index(0)
    generator = torch.Generator("cpu").manual_seed(seed)
    x = torch.randn((1, 4, 4, 4), generator=generator) * s.init_noise_sigma
    after = []
    for t in s.timesteps:
        model_input = s.scale_model_input(x, t)
        out = model_input * (0.3 * math.cos(t.item() / 100)) + 0.1
        kwargs = {"generator": generator} if sampler == "euler_ancestral" else {}
        x = s.step(out, t, x, **kwargs).prev_sample
        after.append(x.flatten()[:8].tolist())
    result = {
        "sampler": sampler,
        "schedule": "karras" if karras else "default",
        "config": config,
        "steps": steps,
        "seed": seed,
        "timesteps": s.timesteps.tolist(),
        "latents": x.flatten().tolist(),
    }
    if detail:
        result["after"] = after[:3]
        if hasattr(s, "sigmas"):
            result["sigmas"] = s.sigmas.tolist()
    return result


def runs():
    for sampler in ["ddim", "euler", "euler_ancestral", "dpmpp_2m"]:
        for karras in [False, True]:
            for beta in ["scaled_linear", "linear", "squaredcos_cap_v2"]:
                for spacing in ["leading", "linspace", "trailing"]:
                    for prediction in ["epsilon", "v_prediction"]:
                        config = {
                            "_class_name": "PNDMScheduler",
                            "beta_schedule": beta,
                            "beta_start": 0.00085,
                            "beta_end": 0.012,
                            "prediction_type": prediction,
                            "timestep_spacing": spacing,
                            "steps_offset": 1,
                            "set_alpha_to_one": False,
                            "clip_sample": False,
                        }
                        yield run(sampler, karras, config, 20, detail=prediction == "epsilon")
            for steps in [1, 2, 3, 7, 50, 150]:
                yield run(sampler, karras, SD15, steps, seed=steps, detail=False)
        yield run(sampler, False, {"_class_name": "EulerDiscreteScheduler", "use_karras_sigmas": True}, 12)


def rounded(value):
    if isinstance(value, float):
        return float(f"{value:.7g}") if math.isfinite(value) else None
    if isinstance(value, list):
        return [rounded(v) for v in value]
    if isinstance(value, dict):
        return {k: rounded(v) for k, v in value.items()}
    return value


def noise():
    for seed in [0, 42, 1234567, 4294967295, 2**53 - 1]:
        for sizes in [[3, 2], [15, 20], [16], [64, 64], [100, 17], [2000], [1, 16, 4]]:
            generator = torch.Generator("cpu").manual_seed(seed)
            draws = [torch.randn(n, generator=generator).tolist() for n in sizes]
            yield {"seed": seed, "sizes": sizes, "tails": [d[-24:] for d in draws]}


def alphas():
    for beta in ["scaled_linear", "linear", "squaredcos_cap_v2"]:
        for n in [1000, 1100, 7]:
            s = DDIMScheduler(num_train_timesteps=n, beta_schedule=beta)
            at = sorted({0, 1, n // 3, n // 2, n - 2, n - 1})
            yield {
                "beta_schedule": beta,
                "num_train_timesteps": n,
                "at": at,
                "alphas_cumprod": [float(f"{v:.9g}") for v in s.alphas_cumprod[at].tolist()],
            }


versions = {"diffusers": diffusers.__version__, "torch": torch.__version__, "numpy": np.__version__}
print(versions)
path = os.path.join(os.path.dirname(__file__), "..", "resources", "sampling", "reference.json")
with open(path, "w") as f:
    parts = {"versions": versions, "noise": list(noise()), "alphas": list(alphas()), "runs": list(runs())}
    alphas_exact = parts["alphas"]
    parts = rounded(parts)
    parts["alphas"] = alphas_exact
    json.dump(parts, f, separators=(",", ":"))
    f.write("\n")
print(os.path.getsize(path), "bytes")
