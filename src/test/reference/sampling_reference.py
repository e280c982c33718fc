"""Reference numbers for SamplerReferenceTests, from diffusers and torch themselves.

Run with diffusers 0.35.2, torch 2.7.1, numpy 2, scipy:  python sampling_reference.py
Writes src/test/resources/sampling/reference.json.gz.

The network is a formula, out = 0.3 * input * cos(t / 100) + 0.1, so that no weights are needed and every sampler's input
scaling and timestep matter. Every run begins as the diffusers pipelines do: latents from torch.Generator("cpu"), times
init_noise_sigma; the same generator goes on to step().
"""

import gzip
import json
import math
import os

import diffusers
import numpy as np
import torch
from diffusers import (
    DDIMScheduler,
    DDPMScheduler,
    DEISMultistepScheduler,
    DPMSolverMultistepScheduler,
    DPMSolverSinglestepScheduler,
    EulerAncestralDiscreteScheduler,
    EulerDiscreteScheduler,
    HeunDiscreteScheduler,
    KDPM2AncestralDiscreteScheduler,
    KDPM2DiscreteScheduler,
    LCMScheduler,
    LMSDiscreteScheduler,
    PNDMScheduler,
    UniPCMultistepScheduler,
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


CLASSES = {
    "ddim": DDIMScheduler,
    "ddpm": DDPMScheduler,
    "pndm": PNDMScheduler,
    "lms": LMSDiscreteScheduler,
    "euler": EulerDiscreteScheduler,
    "euler_ancestral": EulerAncestralDiscreteScheduler,
    "heun": HeunDiscreteScheduler,
    "dpmpp_2m": DPMSolverMultistepScheduler,
    "dpmpp_2m_sde": DPMSolverMultistepScheduler,
    "dpmpp_sde": DPMSolverSinglestepScheduler,
    "unipc": UniPCMultistepScheduler,
    "lcm": LCMScheduler,
    "dpm2": KDPM2DiscreteScheduler,
    "dpm2_ancestral": KDPM2AncestralDiscreteScheduler,
    "dpmpp_2s": DPMSolverSinglestepScheduler,
    "deis": DEISMultistepScheduler,
}
OPTIONS = {
    "pndm": {"skip_prk_steps": True},
    "dpmpp_2m_sde": {"algorithm_type": "sde-dpmsolver++"},
    "dpmpp_sde": {"algorithm_type": "sde-dpmsolver++"},
}
DRAWS = {"ddpm", "euler_ancestral", "dpmpp_2m_sde", "dpmpp_sde", "lcm", "dpm2_ancestral"}  # their step() takes a generator
SPACED = ["ddim", "lms", "euler", "euler_ancestral", "heun", "dpmpp_2m", "dpmpp_2m_sde", "dpmpp_sde", "unipc"]
SPACED += ["dpm2", "dpm2_ancestral", "dpmpp_2s", "deis"]


def use(spacing):
    return {} if spacing == "default" else {f"use_{spacing}_sigmas": True}


def make(sampler, spacing, config, steps, given=None):
    """The scheduler with its timesteps set. Two combinations are put together here, as README.md says."""
    given = given or {}
    options = {**OPTIONS.get(sampler, {}), **use(spacing)}
    if sampler == "ddim" and spacing != "default":
        s = DPMSolverMultistepScheduler.from_config(config, solver_order=1, **use(spacing))
        s.set_timesteps(steps)
        return s
    if sampler == "euler_ancestral":
        s = EulerAncestralDiscreteScheduler.from_config(config)
        s.set_timesteps(steps)
        if spacing != "default" or given:
            levels = make("euler", spacing, config, steps, given)
            s.sigmas, s.timesteps, s.num_inference_steps = levels.sigmas, levels.timesteps, len(levels.timesteps)
        return s
    s = CLASSES[sampler].from_config(config, **options)
    if "timesteps" in given:
        s.set_timesteps(timesteps=given["timesteps"])
    elif "sigmas" in given and sampler == "euler":
        s.set_timesteps(sigmas=given["sigmas"])
    elif "sigmas" in given:  # no other class takes them: the same levels, told as this class tells its own
        s.set_timesteps(len(given["sigmas"]) - 1)
        euler = make("euler", "default", config, steps, given)
        s.sigmas, s.timesteps = euler.sigmas, euler.timesteps
        if sampler == "heun":
            s.sigmas = torch.cat([s.sigmas[:1], s.sigmas[1:-1].repeat_interleave(2), s.sigmas[-1:]])
            s.timesteps = torch.cat([s.timesteps[:1], s.timesteps[1:].repeat_interleave(2)])
        elif sampler != "lms":
            s.timesteps = s.timesteps.to(torch.int64)
    else:
        s.set_timesteps(steps)
    return s


def walk(sampler, spacing, config, steps, seed, given, scale=1.0):
    s = make(sampler, spacing, config, steps, given)
    first = s.timesteps[0].item()
    if sum(t.item() == first for t in s.timesteps) > 1 and hasattr(s, "set_begin_index"):
        # diffusers would begin at the second of equal first timesteps and then run off the end
        s.set_begin_index(0)
    generator = torch.Generator("cpu").manual_seed(seed)
    x = torch.randn((1, 4, 4, 4), generator=generator) * scale * s.init_noise_sigma
    after = []
    for t in s.timesteps:
        model_input = s.scale_model_input(x, t)
        out = model_input * (0.3 * math.cos(t.item() / 100)) + 0.1
        kwargs = {"generator": generator} if sampler in DRAWS else {}
        x = s.step(out, t, x, **kwargs).prev_sample
        after.append(x.flatten()[:8].tolist())
    return s, x.flatten(), after


def run(sampler, spacing, config, steps, seed=7, detail=True, given=None):
    s, x, after = walk(sampler, spacing, config, steps, seed, given)
    _, moved, _ = walk(sampler, spacing, config, steps, seed, given, 1 + 2**-23)
    result = {
        "sampler": sampler,
        "schedule": spacing,
        "config": config,
        "steps": steps,
        "seed": seed,
        "timesteps": s.timesteps.tolist(),
        "latents": x.tolist(),
        # how far, relative to the largest, diffusers' own latents move when the first noise is one ulp larger
        "sensitivity": float(f"{((moved - x).abs().max() / x.abs().max().clamp(min=1)).item():.2g}"),
    }
    if given:
        result["given"] = given
    if detail:
        result["after"] = after[:3]
        if sampler in {"dpm2", "dpm2_ancestral"}:  # the levels at which the network is asked, and the end
            at = 0 if sampler == "dpm2" else 1
            asked = [s.sigmas_interpol[i - at] if i % 2 else s.sigmas[i] for i in range(len(s.timesteps))]
            result["sigmas"] = [level.item() for level in asked] + [0.0]
        elif hasattr(s, "sigmas"):
            result["sigmas"] = s.sigmas.tolist()
    return result


def predictions(sampler):
    # diffusers' classes of these do not implement "sample"
    without = {"euler_ancestral", "heun", "pndm", "dpm2", "dpm2_ancestral"}
    return ["epsilon", "v_prediction"] + ([] if sampler in without else ["sample"])


def runs():
    for sampler in CLASSES:
        for spacing in ["default"] + (["karras", "exponential", "beta"] if sampler in SPACED else []):
            betas = ["scaled_linear", "linear", "squaredcos_cap_v2"] if spacing in ("default", "karras") else ["scaled_linear"]
            for beta in betas:
                for timesteps in ["leading", "linspace", "trailing"]:
                    for prediction in predictions(sampler):
                        if beta != "scaled_linear" and prediction == "sample":
                            continue
                        config = {
                            "_class_name": "PNDMScheduler",
                            "beta_schedule": beta,
                            "beta_start": 0.00085,
                            "beta_end": 0.012,
                            "prediction_type": prediction,
                            "timestep_spacing": timesteps,
                            "steps_offset": 1,
                            "set_alpha_to_one": False,
                            "clip_sample": False,
                        }
                        yield run(sampler, spacing, config, 20, detail=prediction == "epsilon")
            for steps in [1, 2, 3, 7, 50] + ([] if sampler == "lcm" else [150]):
                yield run(sampler, spacing, SD15, steps, seed=steps, detail=False)
    for spacing in ["karras", "exponential", "beta"]:
        config = {"_class_name": "EulerDiscreteScheduler", **use(spacing)}
        yield run("euler", "default", config, 12)
        yield run("unipc", "default", config, 12)
    for sampler in ["ddim", "ddpm", "euler", "euler_ancestral", "dpmpp_2m", "dpmpp_2m_sde", "unipc", "lcm"]:
        for timesteps in ["trailing", "leading"]:
            zero = {"rescale_betas_zero_snr": True, "timestep_spacing": timesteps, "prediction_type": "v_prediction"}
            yield run(sampler, "default", {**SD15, **zero}, 20)
    for sampler in ["euler", "dpmpp_2m", "dpmpp_2m_sde", "dpmpp_sde", "unipc", "dpmpp_2s"]:
        for steps in [7, 20]:
            for extra in [{}, {"lower_order_final": False}, {"euler_at_final": True}]:
                for spacing in ["default", "karras"]:
                    yield run(sampler, spacing, {**SD15, "final_sigmas_type": "sigma_min", **extra}, steps, detail=False)
    for sampler in ["ddim", "ddpm", "heun", "lcm"]:
        yield run(sampler, "default", {**SD15, "clip_sample": True, "clip_sample_range": 0.7}, 20, detail=False)
    yield run("ddpm", "default", {**SD15, "variance_type": "fixed_large"}, 20, detail=False)
    yield run("lcm", "default", {**SD15, "original_inference_steps": 20, "timestep_scaling": 3.0}, 4, detail=False)
    given = {"timesteps": [999, 850, 736, 645, 545, 455, 343, 233, 124, 24]}
    for sampler in ["ddpm", "euler", "heun", "dpmpp_2m", "dpmpp_2m_sde", "dpmpp_sde", "lcm", "dpmpp_2s"]:
        yield run(sampler, "default", SD15, 10, given=given)
    given = {"sigmas": [14.615, 6.315, 3.771, 2.181, 1.342, 0.862, 0.555, 0.38, 0.234, 0.113, 0.0]}
    for sampler in [s for s in SPACED if s not in {"ddim", "dpm2", "dpm2_ancestral", "deis"}]:
        yield run(sampler, "default", SD15, 10, given=given)


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


def main():
    versions = {"diffusers": diffusers.__version__, "torch": torch.__version__, "numpy": np.__version__}
    print(versions)
    path = os.path.join(os.path.dirname(__file__), "..", "resources", "sampling", "reference.json.gz")
    parts = {"versions": versions, "noise": list(noise()), "alphas": list(alphas()), "runs": list(runs())}
    alphas_exact = parts["alphas"]
    parts = rounded(parts)
    parts["alphas"] = alphas_exact
    text = json.dumps(parts, separators=(",", ":")) + "\n"
    with open(path, "wb") as f:
        f.write(gzip.compress(text.encode(), 9, mtime=0))
    print(len(parts["runs"]), "runs,", os.path.getsize(path), "bytes")


if __name__ == "__main__":
    main()
