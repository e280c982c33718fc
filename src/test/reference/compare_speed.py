"""Darkroom beside diffusers on this machine: the same full-size folder, the same number of threads, turn by turn in one run.

    ./mvnw -q test-compile dependency:build-classpath -Dmdep.outputFile=target/classpath -Dmdep.includeScope=test
    python src/test/reference/full_size_checkpoint.py sd15 /tmp/sd15
    python src/test/reference/compare_speed.py /tmp/sd15 [--rounds 5] [--size 512]

Prints medians and ratios of one guided U-Net step (two rows), one VAE decode and one prompt's encoding; then the time from
command to first step, each side in a fresh process, files in the page cache; and peak memory. Nothing else should run.
"""

import argparse
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

import torch

ROOT = Path(__file__).resolve().parents[3]


class Diffusers:
    def __init__(self, folder, size):
        from diffusers import StableDiffusionPipeline

        self.pipe = StableDiffusionPipeline.from_pretrained(folder)
        generator = torch.Generator().manual_seed(1)
        latent = size // 8
        width = self.pipe.unet.config.cross_attention_dim
        self.sample = torch.cat([torch.randn(1, 4, latent, latent, generator=generator)] * 2)
        self.context = torch.randn(2, 77, width, generator=generator)
        self.timestep = torch.tensor(500)

    @torch.no_grad()
    def run(self, what):
        start = time.perf_counter()
        if what == "unet":
            self.pipe.unet(self.sample, self.timestep, encoder_hidden_states=self.context)
        elif what == "decode":
            self.pipe.vae.decode(self.sample[:1])
        else:
            self.pipe.text_encoder(torch.zeros(1, 77, dtype=torch.long))
        return (time.perf_counter() - start) * 1000

    @staticmethod
    def rss():
        return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM"))


class Darkroom:
    def __init__(self, folder, size):
        classpath = f"target/test-classes:target/classes:{(ROOT / 'target/classpath').read_text().strip()}"
        command = ["java", "-cp", classpath, "dev.darkroom.nets.SpeedPeer", str(folder), str(size // 8)]
        self.process = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        self.answer("ready")

    def answer(self, start):
        for line in self.process.stdout:
            if line.startswith(start):
                return line.split()[1:]
        raise SystemExit("Darkroom's side ended; run its command by hand to see why")

    def run(self, what):
        self.process.stdin.write(what + "\n")
        self.process.stdin.flush()
        milliseconds, self.kilobytes = self.answer("took")
        return float(milliseconds)

    def rss(self):
        return int(self.kilobytes)


def first_step(side, folder, size):
    """Seconds from the command to the end of the first step, and the peak memory in GiB until then."""
    start = time.perf_counter()
    if side == "darkroom":
        peer = Darkroom(folder, size)
        peer.run("unet")
        seconds, rss = time.perf_counter() - start, peer.rss()
        peer.process.kill()
    else:
        code = (
            "import sys; sys.path.insert(0, sys.argv[1]); import compare_speed as c\n"
            "d = c.Diffusers(sys.argv[2], int(sys.argv[3])); d.run('unet'); print(d.rss())"
        )
        command = [sys.executable, "-c", code, str(Path(__file__).parent), str(folder), str(size)]
        out = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout
        seconds, rss = time.perf_counter() - start, int(out.split()[-1])
    return seconds, rss / 2**20


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--size", type=int, default=512)
    options = parser.parse_args()
    folder = options.folder.resolve()
    weights = sum(f.stat().st_size for f in folder.rglob("*.safetensors")) / 2**30
    print(f"{os.cpu_count()} processors, {torch.get_num_threads()} threads, {torch.backends.cpu.get_cpu_capability()}")
    print(f"weights on disk {weights:.2f} GiB")

    for side in ["darkroom", "diffusers"] * 2:
        seconds, rss = first_step(side, folder, options.size)
        print(f"command to first step: {side} {seconds:.1f} s, peak RSS {rss:.2f} GiB", flush=True)

    theirs, ours = Diffusers(folder, options.size), Darkroom(folder, options.size)
    for what in ["text", "unet", "decode"]:
        times = {theirs: [], ours: []}
        for i in range(options.rounds + 1):
            for side in (theirs, ours):
                milliseconds = side.run(what)
                if i > 0:  # the first is a warm-up
                    times[side].append(milliseconds)
        a, b = (statistics.median(times[side]) for side in (theirs, ours))
        low, high = (f(o / t for o, t in zip(times[ours], times[theirs])) for f in (min, max))
        print(f"{what}: diffusers {a:.0f} ms, darkroom {b:.0f} ms, ratio {b / a:.3f} ({low:.3f} to {high:.3f})", flush=True)
    print(f"peak RSS after all: diffusers {theirs.rss() / 2**20:.2f} GiB, darkroom {ours.rss() / 2**20:.2f} GiB")


if __name__ == "__main__":
    main()
