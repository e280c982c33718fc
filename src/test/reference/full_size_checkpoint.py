"""Writes a full-size checkpoint with random weights: the real configs, nothing downloaded.

    python src/test/reference/full_size_checkpoint.py {sd15|sdxl} FOLDER [fp16]

Speed, memory and loading do not depend on what the weights say. Convolutions and linear maps keep torch's initialisation, so
that values stay finite. The tokenizer is the tiny checkpoint's: its ids are valid ids of the real vocabulary.
"""

import json
import shutil
import sys
from pathlib import Path

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

TINY = Path(__file__).resolve().parents[1] / "resources" / "tiny-sd"

CLIP_L = dict(
    hidden_act="quick_gelu",
    hidden_size=768,
    intermediate_size=3072,
    num_attention_heads=12,
    num_hidden_layers=12,
    projection_dim=768,
    vocab_size=49408,
)
CLIP_BIG_G = dict(
    hidden_act="gelu",
    hidden_size=1280,
    intermediate_size=5120,
    num_attention_heads=20,
    num_hidden_layers=32,
    projection_dim=1280,
    vocab_size=49408,
)
VAE = dict(
    block_out_channels=[128, 256, 512, 512],
    down_block_types=["DownEncoderBlock2D"] * 4,
    latent_channels=4,
    layers_per_block=2,
    sample_size=512,
    up_block_types=["UpDecoderBlock2D"] * 4,
)
SD15_UNET = dict(attention_head_dim=8, cross_attention_dim=768, sample_size=64)
SDXL_UNET = dict(
    addition_embed_type="text_time",
    addition_time_embed_dim=256,
    attention_head_dim=[5, 10, 20],
    block_out_channels=[320, 640, 1280],
    cross_attention_dim=2048,
    down_block_types=["DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"],
    projection_class_embeddings_input_dim=2816,
    sample_size=128,
    transformer_layers_per_block=[1, 2, 10],
    up_block_types=["CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"],
    use_linear_projection=True,
)
SCHEDULER = dict(
    beta_end=0.012,
    beta_schedule="scaled_linear",
    beta_start=0.00085,
    clip_sample=False,
    num_train_timesteps=1000,
    set_alpha_to_one=False,
    skip_prk_steps=True,
    steps_offset=1,
)


def save(make, folder, half):
    torch.manual_seed(0)
    model = make().eval()
    (model.half() if half else model).save_pretrained(folder, variant="fp16" if half else None, max_shard_size="100GB")
    print(folder, sum(p.numel() for p in model.parameters()), flush=True)


def main(family, folder, half):
    xl = family == "sdxl"
    scheduler = "EulerDiscreteScheduler" if xl else "PNDMScheduler"
    index = {
        "_class_name": "StableDiffusionXLPipeline" if xl else "StableDiffusionPipeline",
        "_diffusers_version": "0.35.2",
        "scheduler": ["diffusers", scheduler],
        "text_encoder": ["transformers", "CLIPTextModel"],
        "tokenizer": ["transformers", "CLIPTokenizer"],
        "unet": ["diffusers", "UNet2DConditionModel"],
        "vae": ["diffusers", "AutoencoderKL"],
    }
    if xl:
        index["text_encoder_2"] = ["transformers", "CLIPTextModelWithProjection"]
        index["tokenizer_2"] = ["transformers", "CLIPTokenizer"]
        index["force_zeros_for_empty_prompt"] = True
    else:
        index.update(feature_extractor=[None, None], safety_checker=[None, None], requires_safety_checker=False)
    folder.mkdir(parents=True)
    (folder / "scheduler").mkdir()
    (folder / "scheduler" / "scheduler_config.json").write_text(json.dumps({"_class_name": scheduler, **SCHEDULER}, indent=1))
    for tokenizer in ["tokenizer", "tokenizer_2"][: 2 if xl else 1]:
        shutil.copytree(TINY / "tokenizer", folder / tokenizer)
    save(lambda: CLIPTextModel(CLIPTextConfig(**CLIP_L)), folder / "text_encoder", half)
    if xl:
        save(lambda: CLIPTextModelWithProjection(CLIPTextConfig(**CLIP_BIG_G)), folder / "text_encoder_2", half)
    save(lambda: UNet2DConditionModel(**(SDXL_UNET if xl else SD15_UNET)), folder / "unet", half)
    vae = dict(VAE, sample_size=1024, scaling_factor=0.13025) if xl else VAE
    save(lambda: AutoencoderKL(**vae), folder / "vae", half)
    (folder / "model_index.json").write_text(json.dumps(index, indent=1))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), sys.argv[3:] == ["fp16"])
