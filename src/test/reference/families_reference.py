"""Writes a tiny random checkpoint of each Stable Diffusion family, what diffusers draws with it, and the families'
published configurations with the parameter counts that diffusers and transformers give them.

Run from the repository root after make_reference.py, whose tokenizer it takes; README.md beside this file names the
versions and describes the output:

    OMP_NUM_THREADS=1 HF_HUB_OFFLINE=1 python src/test/reference/families_reference.py

Everything is derived from fixed seeds; nothing is downloaded.
"""

import json
import shutil

import diffusers
import numpy as np
import torch
import transformers
from diffusers import (
    AutoencoderKL,
    AutoencoderTiny,
    DDIMScheduler,
    LatentConsistencyModelPipeline,
    LCMScheduler,
    StableDiffusionPipeline,
    StableDiffusionXLImg2ImgPipeline,
    StableDiffusionXLPipeline,
    UNet2DConditionModel,
)
from make_reference import RESOURCES, randomise, write_json
from safetensors.torch import save_file
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

FAMILIES = RESOURCES / "families"
FULL_SIZE = RESOURCES / "full-size"
TOKENIZER = RESOURCES / "tiny-sd" / "tokenizer"

PROMPT = "a red apple, noto style! 4k photo"  # "!" is the padding token of some of the tokenizers
NEGATIVE_PROMPT = "blurry, low quality"

# ---- the published configurations, and smaller numbers for the same keys

CLIP = {
    "attention_dropout": 0.0,
    "bos_token_id": 0,
    "dropout": 0.0,
    "eos_token_id": 2,
    "initializer_factor": 1.0,
    "initializer_range": 0.02,
    "layer_norm_eps": 1e-05,
    "max_position_embeddings": 77,
    "model_type": "clip_text_model",
    "pad_token_id": 1,
    "torch_dtype": "float16",
    "transformers_version": "4.32.0.dev0",
    "vocab_size": 49408,
}
CLIP_L = {
    **CLIP,
    "_name_or_path": "openai/clip-vit-large-patch14",
    "architectures": ["CLIPTextModel"],
    "hidden_act": "quick_gelu",
    "hidden_size": 768,
    "intermediate_size": 3072,
    "num_attention_heads": 12,
    "num_hidden_layers": 12,
    "projection_dim": 768,
}
OPEN_CLIP_H = {  # 24 layers, of which Stable Diffusion 2 leaves out the last
    **CLIP,
    "architectures": ["CLIPTextModel"],
    "hidden_act": "gelu",
    "hidden_size": 1024,
    "intermediate_size": 4096,
    "num_attention_heads": 16,
    "num_hidden_layers": 23,
    "projection_dim": 512,
}
OPEN_CLIP_BIG_G = {
    **CLIP,
    "architectures": ["CLIPTextModelWithProjection"],
    "hidden_act": "gelu",
    "hidden_size": 1280,
    "intermediate_size": 5120,
    "num_attention_heads": 20,
    "num_hidden_layers": 32,
    "projection_dim": 1280,
}

UNET = {
    "_class_name": "UNet2DConditionModel",
    "act_fn": "silu",
    "center_input_sample": False,
    "downsample_padding": 1,
    "flip_sin_to_cos": True,
    "freq_shift": 0,
    "in_channels": 4,
    "layers_per_block": 2,
    "mid_block_scale_factor": 1,
    "norm_eps": 1e-05,
    "norm_num_groups": 32,
    "out_channels": 4,
}
LATER = {  # what newer releases of diffusers write too
    "addition_embed_type": None,
    "addition_embed_type_num_heads": 64,
    "addition_time_embed_dim": None,
    "attention_type": "default",
    "class_embed_type": None,
    "class_embeddings_concat": False,
    "conv_in_kernel": 3,
    "conv_out_kernel": 3,
    "cross_attention_norm": None,
    "dropout": 0.0,
    "dual_cross_attention": False,
    "encoder_hid_dim": None,
    "encoder_hid_dim_type": None,
    "mid_block_only_cross_attention": None,
    "mid_block_type": "UNetMidBlock2DCrossAttn",
    "num_attention_heads": None,
    "num_class_embeds": None,
    "only_cross_attention": False,
    "projection_class_embeddings_input_dim": None,
    "resnet_out_scale_factor": 1.0,
    "resnet_skip_time_act": False,
    "resnet_time_scale_shift": "default",
    "reverse_transformer_layers_per_block": None,
    "time_cond_proj_dim": None,
    "time_embedding_act_fn": None,
    "time_embedding_dim": None,
    "time_embedding_type": "positional",
    "timestep_post_act": None,
    "transformer_layers_per_block": 1,
    "upcast_attention": None,
}
ATTENDING_THRICE = {
    "down_block_types": ["CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"],
    "up_block_types": ["UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D"],
}
UNET_SD_1 = {
    **UNET,
    **ATTENDING_THRICE,
    "_diffusers_version": "0.6.0",
    "attention_head_dim": 8,
    "block_out_channels": [320, 640, 1280, 1280],
    "cross_attention_dim": 768,
    "sample_size": 64,
}
UNET_SD_2 = {
    **UNET,
    **ATTENDING_THRICE,
    "_diffusers_version": "0.10.0.dev0",
    "attention_head_dim": [5, 10, 20, 20],
    "block_out_channels": [320, 640, 1280, 1280],
    "cross_attention_dim": 1024,
    "dual_cross_attention": False,
    "num_class_embeds": None,
    "only_cross_attention": False,
    "sample_size": 96,
    "upcast_attention": True,
    "use_linear_projection": True,
}
UNET_SD_TURBO = {**LATER, **UNET_SD_2, "_diffusers_version": "0.24.0.dev0", "sample_size": 64, "upcast_attention": None}
UNET_SDXL = {
    **LATER,
    **UNET,
    "_diffusers_version": "0.19.0.dev0",
    "addition_embed_type": "text_time",
    "addition_time_embed_dim": 256,
    "attention_head_dim": [5, 10, 20],
    "block_out_channels": [320, 640, 1280],
    "cross_attention_dim": 2048,
    "down_block_types": ["DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"],
    "projection_class_embeddings_input_dim": 2816,
    "sample_size": 128,
    "transformer_layers_per_block": [1, 2, 10],
    "up_block_types": ["CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"],
    "use_linear_projection": True,
}
UNET_REFINER = {
    **UNET_SDXL,
    "attention_head_dim": [6, 12, 24, 24],
    "block_out_channels": [384, 768, 1536, 1536],
    "cross_attention_dim": 1280,
    "down_block_types": ["DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"],
    "projection_class_embeddings_input_dim": 2560,
    "transformer_layers_per_block": 4,
    "up_block_types": ["UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"],
}
UNET_SSD_1B = {  # distilled from SDXL with blocks of unequal depth (Segmind)
    **UNET_SDXL,
    "mid_block_type": "UNetMidBlock2D",
    "reverse_transformer_layers_per_block": [[4, 4, 10], [2, 1, 1], 1],
    "transformer_layers_per_block": [1, [2, 2], [4, 4]],
}
UNET_BK_SDM_TINY = {  # distilled from Stable Diffusion 1.5 (Nota), without a middle
    **LATER,
    **UNET,
    "_diffusers_version": "0.18.0.dev0",
    "attention_head_dim": 8,
    "block_out_channels": [320, 640, 1280],
    "cross_attention_dim": 768,
    "down_block_types": ["CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"],
    "layers_per_block": 1,
    "mid_block_type": None,
    "sample_size": 64,
    "up_block_types": ["CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D"],
}
UNET_BK_SDM_TINY |= {  # what diffusers' EMAModel leaves behind in a fine-tuned model
    "decay": 0.9999,
    "inv_gamma": 1.0,
    "min_decay": 0.0,
    "optimization_step": 25000,
    "power": 0.6666666666666666,
    "update_after_step": 0,
    "use_ema_warmup": False,
}
UNET_LCM = {**LATER, **UNET_SD_1, "_diffusers_version": "0.22.0.dev0", "time_cond_proj_dim": 256}

VAE = {
    "_class_name": "AutoencoderKL",
    "_diffusers_version": "0.6.0",
    "act_fn": "silu",
    "block_out_channels": [128, 256, 512, 512],
    "down_block_types": ["DownEncoderBlock2D"] * 4,
    "in_channels": 3,
    "latent_channels": 4,
    "layers_per_block": 2,
    "norm_num_groups": 32,
    "out_channels": 3,
    "sample_size": 512,
    "up_block_types": ["UpDecoderBlock2D"] * 4,
}
VAE_LATER = {
    **VAE,
    "_diffusers_version": "0.24.0.dev0",
    "force_upcast": True,
    "latents_mean": None,
    "latents_std": None,
    "mid_block_add_attention": True,
    "scaling_factor": 0.18215,
    "shift_factor": None,
    "use_post_quant_conv": True,
    "use_quant_conv": True,
}
VAE_SDXL = {
    **VAE,
    "_diffusers_version": "0.20.0.dev0",
    "_name_or_path": "../sdxl-vae/",
    "force_upcast": True,
    "sample_size": 1024,
    "scaling_factor": 0.13025,
}
TAESD = {
    "_class_name": "AutoencoderTiny",
    "_diffusers_version": "0.20.0.dev0",
    "act_fn": "relu",
    "decoder_block_out_channels": [64, 64, 64, 64],
    "encoder_block_out_channels": [64, 64, 64, 64],
    "force_upcast": False,
    "in_channels": 3,
    "latent_channels": 4,
    "latent_magnitude": 3,
    "latent_shift": 0.5,
    "num_decoder_blocks": [3, 3, 3, 1],
    "num_encoder_blocks": [1, 3, 3, 3],
    "out_channels": 3,
    "scaling_factor": 1.0,
    "upsampling_scaling_factor": 2,
}

BETAS = {
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "beta_start": 0.00085,
    "num_train_timesteps": 1000,
    "trained_betas": None,
}
PNDM = {
    **BETAS,
    "_class_name": "PNDMScheduler",
    "_diffusers_version": "0.6.0",
    "clip_sample": False,
    "set_alpha_to_one": False,
    "skip_prk_steps": True,
    "steps_offset": 1,
}
DDIM_V = {
    **PNDM,
    "_class_name": "DDIMScheduler",
    "_diffusers_version": "0.10.0.dev0",
    "prediction_type": "v_prediction",
}
EULER = {
    **PNDM,
    "_class_name": "EulerDiscreteScheduler",
    "_diffusers_version": "0.19.0.dev0",
    "interpolation_type": "linear",
    "prediction_type": "epsilon",
    "sample_max_value": 1.0,
    "timestep_spacing": "leading",
    "use_karras_sigmas": False,
}
EULER_TRAILING = {
    **EULER,
    "_diffusers_version": "0.24.0.dev0",
    "sigma_max": None,
    "sigma_min": None,
    "timestep_spacing": "trailing",
    "timestep_type": "discrete",
}
EULER_ANCESTRAL_TRAILING = {
    **EULER,
    "_class_name": "EulerAncestralDiscreteScheduler",
    "_diffusers_version": "0.24.0.dev0",
    "timestep_spacing": "trailing",
}
LCM = {
    **BETAS,
    "_class_name": "LCMScheduler",
    "_diffusers_version": "0.22.0.dev0",
    "clip_sample": False,
    "clip_sample_range": 1.0,
    "dynamic_thresholding_ratio": 0.995,
    "original_inference_steps": 50,
    "prediction_type": "epsilon",
    "rescale_betas_zero_snr": False,
    "sample_max_value": 1.0,
    "set_alpha_to_one": True,
    "steps_offset": 0,
    "thresholding": False,
    "timestep_scaling": 10.0,
    "timestep_spacing": "leading",
}

CLASSES = {
    "text_encoder": ("transformers", CLIPTextModel),
    "text_encoder_2": ("transformers", CLIPTextModelWithProjection),
    "unet": ("diffusers", UNet2DConditionModel),
    "AutoencoderKL": ("diffusers", AutoencoderKL),
    "AutoencoderTiny": ("diffusers", AutoencoderTiny),
}


def class_of(component, config):
    return CLASSES.get(component) or CLASSES[config["_class_name"]]


def index(pipeline, parts, **options):
    """model_index.json; a text encoder that is missing is written down as missing, as the refiner's is."""
    lines = {"_class_name": pipeline, "_diffusers_version": "0.24.0.dev0", **options}
    if "XL" in pipeline:
        lines["image_encoder"] = lines["feature_extractor"] = [None, None]
    else:
        lines["safety_checker"] = ["stable_diffusion", "StableDiffusionSafetyChecker"]
        lines["feature_extractor"] = ["transformers", "CLIPImageProcessor"]
    if "text_encoder_2" in parts:
        lines["text_encoder"] = lines["tokenizer"] = [None, None]
    for component, config in parts.items():
        if component == "scheduler":
            lines[component] = ["diffusers", config["_class_name"]]
        else:
            library, cls = class_of(component, config)
            lines[component] = [library, cls.__name__]
        if component.startswith("text_encoder"):
            lines[component.replace("text_encoder", "tokenizer")] = ["transformers", "CLIPTokenizer"]
    return dict(sorted(lines.items()))


XL = {"force_zeros_for_empty_prompt": True, "add_watermarker": None}
REFINER = {"force_zeros_for_empty_prompt": False, "requires_aesthetics_score": True, "add_watermarker": None}
SD_1 = {"text_encoder": CLIP_L, "unet": UNET_SD_1, "vae": VAE, "scheduler": PNDM}
SDXL = {
    "text_encoder": CLIP_L,
    "text_encoder_2": OPEN_CLIP_BIG_G,
    "unet": UNET_SDXL,
    "vae": VAE_SDXL,
    "scheduler": EULER,
}
PUBLISHED = {
    "sd-1.5": ("StableDiffusionPipeline", SD_1, {}),
    "sd-2.1": (
        "StableDiffusionPipeline",
        {"text_encoder": OPEN_CLIP_H, "unet": UNET_SD_2, "vae": VAE, "scheduler": DDIM_V},
        {"requires_safety_checker": False},
    ),
    "sd-turbo": (
        "StableDiffusionPipeline",
        {"text_encoder": OPEN_CLIP_H, "unet": UNET_SD_TURBO, "vae": VAE_LATER, "scheduler": EULER_TRAILING},
        {"requires_safety_checker": True},
    ),
    "sdxl-base-1.0": ("StableDiffusionXLPipeline", SDXL, XL),
    "sdxl-refiner-1.0": (
        "StableDiffusionXLImg2ImgPipeline",
        {"text_encoder_2": OPEN_CLIP_BIG_G, "unet": UNET_REFINER, "vae": VAE_SDXL, "scheduler": EULER},
        REFINER,
    ),
    "sdxl-turbo": ("StableDiffusionXLPipeline", {**SDXL, "scheduler": EULER_ANCESTRAL_TRAILING}, XL),
    "ssd-1b": ("StableDiffusionXLPipeline", {**SDXL, "unet": UNET_SSD_1B}, XL),
    "bk-sdm-tiny": ("StableDiffusionPipeline", {**SD_1, "unet": UNET_BK_SDM_TINY}, {}),
    "lcm-dreamshaper-v7": (
        "LatentConsistencyModelPipeline",
        {**SD_1, "unet": UNET_LCM, "vae": VAE_LATER, "scheduler": LCM},
        {"requires_safety_checker": True},
    ),
    "sd-1.5-taesd": ("StableDiffusionPipeline", {**SD_1, "vae": TAESD}, {}),
}

TINY_CLIP_L = {**CLIP_L, "hidden_size": 32, "intermediate_size": 64, "num_attention_heads": 4, "projection_dim": 32}
TINY_CLIP_L |= {"num_hidden_layers": 3, "vocab_size": 814}
TINY_CLIP_H = {**OPEN_CLIP_H, "hidden_size": 40, "intermediate_size": 96, "num_attention_heads": 5, "vocab_size": 814}
TINY_CLIP_H |= {"num_hidden_layers": 3, "projection_dim": 24}
TINY_BIG_G = {**OPEN_CLIP_BIG_G, "hidden_size": 48, "intermediate_size": 96, "num_attention_heads": 6}
TINY_BIG_G |= {"num_hidden_layers": 4, "projection_dim": 40, "vocab_size": 814}

SMALL = {"norm_num_groups": 8, "sample_size": 16}
TWO_LEVELS = {
    **SMALL,
    "block_out_channels": [16, 24],
    "down_block_types": ["CrossAttnDownBlock2D", "DownBlock2D"],
    "up_block_types": ["UpBlock2D", "CrossAttnUpBlock2D"],
}
TINY_SDXL = {
    **UNET_SDXL,
    **SMALL,
    "addition_time_embed_dim": 8,
    "attention_head_dim": [1, 2, 3],
    "block_out_channels": [8, 16, 24],
    "cross_attention_dim": 80,
    "projection_class_embeddings_input_dim": 88,
    "transformer_layers_per_block": [1, 2, 3],
}
TINY_VAE = {
    "block_out_channels": [16, 24],
    "down_block_types": ["DownEncoderBlock2D"] * 2,
    "layers_per_block": 1,
    "norm_num_groups": 8,
    "sample_size": 32,
    "up_block_types": ["UpDecoderBlock2D"] * 2,
}
TINY_XL_PARTS = {
    "text_encoder": TINY_CLIP_L,
    "text_encoder_2": TINY_BIG_G,
    "unet": TINY_SDXL,
    "vae": {**VAE_SDXL, **TINY_VAE},
    "scheduler": EULER,
}
TINY_SD_1_PARTS = {
    "text_encoder": TINY_CLIP_L,
    "unet": {**UNET_SD_1, **TWO_LEVELS, "cross_attention_dim": 32},
    "vae": {**VAE, **TINY_VAE},
    "scheduler": PNDM,
}

# How the weights of a family lie in its folder: arguments of save_pretrained. Without a shard size there is one file.
FP32 = {"dtype": torch.float32}
FP16 = {"dtype": torch.float16}
BF16 = {"dtype": torch.bfloat16}
FP16_VARIANT = {**FP16, "variant": "fp16"}
FP16_SHARDS = {**FP16, "max_shard_size": "300KB"}
FP16_VARIANT_SHARDS = {**FP16_VARIANT, "max_shard_size": "300KB"}
BF16_VARIANT = {**BF16, "variant": "bf16"}

TINY = {
    "sd2": (
        "StableDiffusionPipeline",
        {
            "text_encoder": TINY_CLIP_H,
            "unet": {**UNET_SD_2, **TWO_LEVELS, "attention_head_dim": [2, 3], "cross_attention_dim": 40},
            "vae": {**VAE, **TINY_VAE},
            "scheduler": DDIM_V,
        },
        {"requires_safety_checker": False},
        FP16_VARIANT,
    ),
    "sd-turbo": (
        "StableDiffusionPipeline",
        {
            "text_encoder": TINY_CLIP_H,
            "unet": {**UNET_SD_TURBO, **TWO_LEVELS, "attention_head_dim": [2, 3], "cross_attention_dim": 40},
            "vae": {**VAE_LATER, **TINY_VAE},
            "scheduler": EULER_TRAILING,
        },
        {"requires_safety_checker": True},
        BF16,
    ),
    "sdxl": ("StableDiffusionXLPipeline", TINY_XL_PARTS, XL, FP16_VARIANT_SHARDS),
    "sdxl-turbo": (
        "StableDiffusionXLPipeline",
        {
            **TINY_XL_PARTS,
            # As newer exports write it: the real end of text.
            "text_encoder_2": {**TINY_BIG_G, "bos_token_id": 812, "eos_token_id": 813},
            "vae": {**VAE_LATER, **TINY_VAE, "latents_mean": [0.1, -0.2, 0.3, 0.05], "latents_std": [0.9, 1.2, 1.1, 0.8]},
            "scheduler": EULER_ANCESTRAL_TRAILING,
        },
        XL,
        BF16_VARIANT,
    ),
    "sdxl-refiner": (
        "StableDiffusionXLImg2ImgPipeline",
        {
            "text_encoder_2": TINY_BIG_G,
            "unet": {
                **UNET_REFINER,
                **SMALL,
                "addition_time_embed_dim": 8,
                "attention_head_dim": [1, 2, 3],
                "block_out_channels": [8, 16, 24],
                "cross_attention_dim": 48,
                "down_block_types": ["DownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"],
                "projection_class_embeddings_input_dim": 80,
                "transformer_layers_per_block": 2,
                "up_block_types": ["UpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"],
            },
            "vae": {**VAE_SDXL, **TINY_VAE},
            "scheduler": EULER,
        },
        REFINER,
        FP16_SHARDS,
    ),
    "ssd": (
        "StableDiffusionXLPipeline",
        {
            **TINY_XL_PARTS,
            "unet": {
                **TINY_SDXL,
                "mid_block_type": "UNetMidBlock2D",
                "reverse_transformer_layers_per_block": [[2, 1, 3], [2, 1, 1], 1],
                "transformer_layers_per_block": [1, [2, 1], [2, 3]],
            },
        },
        {**XL, "force_zeros_for_empty_prompt": False},
        FP16,
    ),
    "bk-sdm-tiny": (
        "StableDiffusionPipeline",
        {
            **TINY_SD_1_PARTS,
            "unet": {
                **UNET_BK_SDM_TINY,
                **TWO_LEVELS,
                "cross_attention_dim": 32,
                "down_block_types": ["CrossAttnDownBlock2D"] * 2,
                "layers_per_block": [1, 2],
                "up_block_types": ["CrossAttnUpBlock2D"] * 2,
            },
        },
        {},
        FP16,
    ),
    "lcm": (
        "LatentConsistencyModelPipeline",
        {
            **TINY_SD_1_PARTS,
            "unet": {**UNET_LCM, **TWO_LEVELS, "cross_attention_dim": 32, "time_cond_proj_dim": 16},
            "vae": {**VAE_LATER, **TINY_VAE},
            "scheduler": LCM,
        },
        {"requires_safety_checker": True},
        FP32,
    ),
    "taesd": (
        "StableDiffusionPipeline",
        {
            **TINY_SD_1_PARTS,
            # StableDiffusionPipeline sets these back to 1 and false.
            "scheduler": {**PNDM, "steps_offset": 0, "clip_sample": True},
            "vae": {
                **TAESD,
                "decoder_block_out_channels": [16, 16],
                "encoder_block_out_channels": [16, 16],
                "num_decoder_blocks": [2, 1],
                "num_encoder_blocks": [1, 2],
            },
        },
        {},
        FP16_VARIANT,
    ),
}

# The output layers follow a normalisation, so their gain is the output's scale.
GAINS = {"unet": {"conv_out": 2.0}, "AutoencoderKL": {"decoder.conv_out": 0.6}, "AutoencoderTiny": {"decoder.layers.7": 0.3}}


def write_tokenizer(folder, pad):
    shutil.copytree(TOKENIZER, folder)
    if pad == "<|endoftext|>":
        return
    for name in ("special_tokens_map.json", "tokenizer_config.json"):
        content = json.loads((folder / name).read_text())
        content["pad_token"] = pad
        write_json(folder / name, content)


def build(component, config, generator):
    _, cls = class_of(component, config)
    if component.startswith("text_encoder"):
        return randomise(cls(CLIPTextConfig(**config)), generator, {})
    model = randomise(cls.from_config(config), generator, GAINS[component if component == "unet" else cls.__name__])
    if cls is AutoencoderTiny:  # whose pictures are in 0…1 before they are scaled to −1…1
        model.decoder.layers[-1].bias += 0.5
    return model


def write_family(folder, seed, pipeline, parts, options, saving):
    write_json(folder / "model_index.json", index(pipeline, parts, **options))
    generator = torch.Generator("cpu").manual_seed(seed)
    for component, config in parts.items():
        target = folder / component
        if component == "scheduler":
            write_json(target / "scheduler_config.json", config)
            continue
        arguments = {key: value for key, value in saving.items() if key != "dtype"}
        model = build(component, config, generator).to(saving["dtype"])
        model.save_pretrained(target, safe_serialization=True, **arguments)
        (target / "generation_config.json").unlink(missing_ok=True)
        write_json(target / "config.json", config)  # instead of the one with every default spelt out
        if component.startswith("text_encoder"):
            open_clip = config["hidden_act"] == "gelu"
            tokenizer = folder / component.replace("text_encoder", "tokenizer")
            write_tokenizer(tokenizer, "!" if open_clip else "<|endoftext|>")


# ---- what diffusers draws


def case(family, **changes):
    return {
        "name": family,
        "family": family,
        "prompt": PROMPT,
        "negative_prompt": NEGATIVE_PROMPT,
        "seed": 42,
        "width": 32,
        "height": 32,
        "steps": 20,
        "guidance_scale": 7.5,
        "sampler": "euler",
        "scheduler_class": None,
        **changes,
    }


CASES = [
    case("sd2", sampler="ddim", height=40),
    case("sd-turbo", steps=20, guidance_scale=1.0),
    case("sd-turbo", name="sd-turbo.1", steps=1, guidance_scale=1.0),
    case("sd-turbo", name="sd-turbo.2", steps=2, guidance_scale=1.0),
    case("sdxl", guidance_scale=5.0, width=48),
    case("sdxl", name="sdxl.no_negative_prompt", guidance_scale=5.0, negative_prompt=""),
    case("sdxl-turbo", sampler="euler_ancestral", guidance_scale=3.0),
    case("sdxl-turbo", name="sdxl-turbo.1", sampler="euler_ancestral", steps=1, guidance_scale=1.0),
    case("sdxl-turbo", name="sdxl-turbo.4", sampler="euler_ancestral", steps=4, guidance_scale=1.0),
    case("sdxl-refiner", guidance_scale=5.0, height=48),
    case("sdxl-refiner", name="sdxl-refiner.no_negative_prompt", guidance_scale=5.0, negative_prompt=""),
    case("ssd", guidance_scale=5.0, negative_prompt=""),
    case("bk-sdm-tiny", sampler="ddim", scheduler_class="DDIMScheduler"),
    case("lcm", sampler="lcm", steps=4, guidance_scale=8.5, negative_prompt=""),
    case("lcm", name="lcm.8", sampler="lcm", steps=8, guidance_scale=1.5, negative_prompt=""),
    case("lcm", name="lcm.20", sampler="lcm", steps=20, guidance_scale=8.5, negative_prompt=""),
    # The network with a sampler that is not its own: the guidance scale reaches it all the same.
    case("lcm", name="lcm.ddim", sampler="ddim", scheduler_class="DDIMScheduler", negative_prompt=""),
    case("taesd", sampler="ddim", scheduler_class="DDIMScheduler"),
]


def load(family, settings):
    pipeline, parts, _, saving = TINY[family]
    cls = {
        "StableDiffusionPipeline": StableDiffusionPipeline,
        "StableDiffusionXLPipeline": StableDiffusionXLPipeline,
        "StableDiffusionXLImg2ImgPipeline": StableDiffusionXLImg2ImgPipeline,
        "LatentConsistencyModelPipeline": LatentConsistencyModelPipeline,
    }[pipeline]
    arguments = {"variant": saving["variant"]} if "variant" in saving else {}
    if cls in (StableDiffusionPipeline, LatentConsistencyModelPipeline):
        arguments |= {"safety_checker": None, "feature_extractor": None, "requires_safety_checker": False}
    pipe = cls.from_pretrained(FAMILIES / family, local_files_only=True, torch_dtype=torch.float32, **arguments)
    if settings["scheduler_class"] == "DDIMScheduler":
        ddim = DDIMScheduler.from_config(pipe.scheduler.config)
        if family == "lcm":  # whose own pipeline takes no other scheduler
            pipe = StableDiffusionPipeline(**pipe.components, requires_safety_checker=False)
        pipe.scheduler = ddim
    pipe.set_progress_bar_config(disable=True)
    return pipe


def draw(settings, tensors):
    arguments = {key: settings[key] for key in ("prompt", "width", "height", "guidance_scale")}
    arguments["num_inference_steps"] = settings["steps"]
    pipe = load(settings["family"], settings)
    if not isinstance(pipe, LatentConsistencyModelPipeline):
        arguments["negative_prompt"] = settings["negative_prompt"] or None

    def run(**output):
        generator = torch.Generator("cpu").manual_seed(settings["seed"])
        extra = {}
        if isinstance(pipe, StableDiffusionXLImg2ImgPipeline):
            # The refiner's pipeline starts from latents that another one left. Given pure noise and a start before all
            # timesteps it walks the whole way, which makes it a text-to-image pipeline.
            height, width = arguments.pop("height", None), arguments.pop("width", None)
            shape = (1, 4, (height or settings["height"]) // 2, (width or settings["width"]) // 2)
            pipe.scheduler.set_timesteps(settings["steps"])
            noise = torch.randn(shape, generator=generator)
            extra = {"image": noise * pipe.scheduler.init_noise_sigma, "denoising_start": 1e-9}
        return pipe(**arguments, **extra, generator=generator, **output).images

    name = settings["name"]
    tensors[name + ".latents"] = run(output_type="latent").float()
    tensors[name + ".picture"] = torch.from_numpy(np.array(run(output_type="pil")[0])).half()
    return {**settings, "timesteps": len(pipe.scheduler.timesteps)}


def encode(family, tensors):
    """Both text encoders of an SDXL folder, as its pipeline puts them together."""
    pipe = load(family, {"scheduler_class": None})
    for skip in (None, 1):
        hidden, _, pooled, _ = pipe.encode_prompt(PROMPT, clip_skip=skip, do_classifier_free_guidance=False)
        tensors[f"{family}.hidden.{skip or 0}"] = hidden
        tensors[f"{family}.pooled"] = pooled


def parameters(component, config):
    library, cls = class_of(component, config)
    with torch.device("meta"):
        model = cls(CLIPTextConfig(**config)) if library == "transformers" else cls.from_config(config)
    if cls is AutoencoderTiny:
        model = model.decoder
    return sum(parameter.numel() for parameter in model.parameters())


@torch.no_grad()
def main():
    counts = {}
    shutil.rmtree(FULL_SIZE, ignore_errors=True)
    for name, (pipeline, parts, options) in PUBLISHED.items():
        write_json(FULL_SIZE / name / "model_index.json", index(pipeline, parts, **options))
        counts[name] = {}
        for component, config in parts.items():
            file = "scheduler_config.json" if component == "scheduler" else "config.json"
            write_json(FULL_SIZE / name / component / file, config)
            if component != "scheduler":
                counts[name][component] = parameters(component, config)
    write_json(FULL_SIZE / "parameters.json", counts)

    shutil.rmtree(FAMILIES, ignore_errors=True)
    for i, (name, family) in enumerate(TINY.items()):
        write_family(FAMILIES / name, 20261125 + i, *family)
    tensors = {}
    cases = [draw(settings, tensors) for settings in CASES]
    for family in ("sdxl", "sdxl-turbo", "sdxl-refiner"):
        encode(family, tensors)
    versions = {module.__name__: module.__version__ for module in (torch, diffusers, transformers, np)}
    write_json(FAMILIES / "reference.json", {"versions": versions, "cases": cases})
    save_file({name: t.contiguous() for name, t in tensors.items()}, FAMILIES / "reference.safetensors")


if __name__ == "__main__":
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    main()
