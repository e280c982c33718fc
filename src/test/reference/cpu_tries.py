"""The single-operation tries of docs/performance.md, side by side: best of several alternating turns, milliseconds.

Usage: cpu_tries.py [convolution|filtering|linear|attention ...]   (torch 2.7.1; a quiet machine; 2 threads)
Shapes are those of Stable Diffusion 1.5's guided step (two rows) and VAE decoder at 512 x 512.
"""

import sys
import time

import torch
import torch.nn.functional as F

torch.set_num_threads(2)
torch.manual_seed(0)
torch.set_grad_enabled(False)
torch._C._set_graph_executor_optimize(False)
onednn = torch.ops.mkldnn
NHWC = torch.channels_last


def race(shape, tries, turns=5):
    """Times every try, the tries taking turns; the first is what the others are compared with."""
    best = dict.fromkeys(tries, float("inf"))
    for _ in range(turns):
        for name, run in tries.items():
            start = time.perf_counter()
            run()
            best[name] = min(best[name], time.perf_counter() - start)
    reference = next(iter(tries.values()))()
    first = next(iter(best.values()))
    for name, run in tries.items():
        difference = ((run() - reference).abs().max() / reference.abs().max()).item()
        print(f"{str(shape):26} {name:34} {best[name] * 1e3:8.1f} ms  {best[name] / first:5.2f}  {difference:.1e}", flush=True)


def pointwise(x, w, b, padding):
    return onednn._convolution_pointwise(x, w, b, [padding] * 2, [1, 1], [1, 1], 1, "none", [], "")


def reordered(x, w, padding):
    return onednn._reorder_convolution_weight(w, [padding] * 2, [1, 1], [1, 1], 1, list(x.shape))


def convolution():
    for ci, co, size, k in [
        (320, 320, 64, 3), (640, 640, 32, 3), (1280, 1280, 16, 3), (1280, 1280, 8, 3), (320, 320, 64, 1), (1280, 1280, 16, 1),
    ]:
        x, w, b = torch.randn(2, ci, size, size), torch.randn(co, ci, k, k) * 0.01, torch.randn(co)
        xc, wc, p = x.contiguous(memory_format=NHWC), w.contiguous(memory_format=NHWC), k // 2
        packed, packed_nhwc = reordered(x, w, p), reordered(xc, wc, p)
        race((ci, co, size, k), {
            "as it comes": lambda: F.conv2d(x, w, b, 1, p),
            "channels innermost": lambda: F.conv2d(xc, wc, b, 1, p),
            "reordered weights": lambda: pointwise(x, packed, b, p),
            "reordered and channels innermost": lambda: pointwise(xc, packed_nhwc, b, p),
        })


# F(4 x 4, 3 x 3): Lavin and Gray 2016, "Fast Algorithms for Convolutional Neural Networks".
B = torch.tensor([[4, 0, -5, 0, 1, 0], [0, -4, -4, 1, 1, 0], [0, 4, -4, -1, 1, 0],
                  [0, -2, -1, 2, 1, 0], [0, 2, -1, -2, 1, 0], [0, 4, 0, -5, 0, 1.0]])
G = torch.tensor([[1 / 4, 0, 0], [-1 / 6, -1 / 6, -1 / 6], [-1 / 6, 1 / 6, -1 / 6],
                  [1 / 24, 1 / 12, 1 / 6], [1 / 24, -1 / 12, 1 / 6], [0, 0, 1]])
A = torch.tensor([[1, 1, 1, 1, 1, 0], [0, 1, -1, 2, -2, 0], [0, 1, 1, 4, 4, 0], [0, 1, -1, 8, -8, 1.0]])


@torch.jit.script
def filtered(x: torch.Tensor, u: torch.Tensor, b: torch.Tensor, bb: torch.Tensor, aa: torch.Tensor, tiles: int) -> torch.Tensor:
    n, c, h, w = x.size()
    co = u.size(2)
    rows, columns = h // 4, w // 4
    p = torch.constant_pad_nd(x.permute([0, 2, 3, 1]), [0, 0, 1, 1, 1, 1], 0)
    height, width = h + 2, w + 2
    out = torch.empty([n, h, w, co])
    band = max(1, tiles // (n * columns))
    for i in range((rows + band - 1) // band):
        first = i * band
        r = min(band, rows - first)
        d = p.as_strided(
            [6, 6, n, r, columns, c], [width * c, c, height * width * c, 4 * width * c, 4 * c, 1], first * 4 * width * c)
        m = torch.bmm(torch.mm(bb, d.reshape([36, -1])).reshape([36, -1, c]), u)
        y = torch.mm(aa, m.reshape([36, -1])).reshape([4, 4, n, r, columns, co])
        o = out.as_strided([4, 4, n, r, columns, co], [w * co, co, h * w * co, 4 * w * co, 4 * co, 1], first * 4 * w * co)
        torch.add(y, b, out=o)
    return out.permute([0, 3, 1, 2])


def filtering():
    bb, aa, gg = torch.kron(B, B), torch.kron(A, A), torch.kron(G, G)
    for n, ci, co, size in [
        (2, 320, 320, 64), (2, 640, 640, 64), (2, 640, 640, 32), (2, 1280, 1280, 32), (2, 1280, 1280, 16),
        (1, 512, 512, 64), (1, 512, 512, 128), (1, 512, 256, 256), (1, 256, 256, 256), (1, 128, 128, 512),
    ]:
        x = torch.randn(n, ci, size, size).contiguous(memory_format=NHWC)
        w, b = torch.randn(co, ci, 3, 3) / (3 * ci**0.5), torch.randn(co)
        packed = reordered(x, w.contiguous(memory_format=NHWC), 1)
        u = torch.mm(gg, w.permute(2, 3, 1, 0).reshape(9, -1)).view(36, ci, co)
        race((n, ci, co, size), {
            "direct, reordered": lambda: pointwise(x, packed, b, 1),
            "filtering, bands of 512 tiles": lambda: filtered(x, u, b, bb, aa, 512),
            "filtering, one band": lambda: filtered(x, u, b, bb, aa, 1 << 20),
        })


def linear():
    for tokens, ci, co in [(8192, 320, 320), (8192, 320, 2560), (2048, 640, 640), (2048, 2560, 640), (512, 1280, 10240), (154, 768, 1280)]:
        x, w, b = torch.randn(2, tokens // 2, ci), torch.randn(co, ci) * 0.02, torch.randn(co)
        packed = onednn._reorder_linear_weight(w, tokens)
        race((tokens, ci, co), {
            "MKL": lambda: F.linear(x, w, b),
            "oneDNN, reordered weights": lambda: onednn._linear_pointwise(x, packed, b, "none", [], ""),
        })


@torch.jit.script
def chunked(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, chunk: int) -> torch.Tensor:
    batch, n, d = q.size(0) * q.size(1), q.size(2), q.size(3)
    out = torch.empty([batch, n, d])
    queries, keys, values = q.reshape(batch, n, d), k.reshape(batch, n, d).transpose(1, 2), v.reshape(batch, n, d)
    for i in range(n // chunk):
        s = torch.bmm(queries[:, i * chunk:i * chunk + chunk], keys).mul_(float(d) ** -0.5)
        s.sub_(s.amax(-1, True)).exp_()
        out[:, i * chunk:i * chunk + chunk] = torch.bmm(s, v.reshape(batch, n, d)).div_(s.sum(-1, True))
    return out.view(q.size())


def attention():
    q, k, v = (torch.randn(2, 4096, 8, 40).transpose(1, 2) for _ in range(3))
    contiguous = [t.contiguous() for t in (q, k, v)]
    padded = {to: [F.pad(t, (0, to - 40)) for t in contiguous] for to in (48, 64)}
    race((2, 8, 4096, 40), {
        "fused kernel": lambda: F.scaled_dot_product_attention(q, k, v),
        "over contiguous heads": lambda: F.scaled_dot_product_attention(*contiguous),
        "heads padded to 48": lambda: F.scaled_dot_product_attention(*padded[48], scale=40**-0.5)[..., :40],
        "heads padded to 64": lambda: F.scaled_dot_product_attention(*padded[64], scale=40**-0.5)[..., :40],
        "chunks of 64 queries": lambda: chunked(q, k, v, 64),
        "chunks of 256 queries": lambda: chunked(q, k, v, 256),
    })


TRIES = {f.__name__: f for f in (convolution, filtering, linear, attention)}
for name in sys.argv[1:] or TRIES:
    print(f"{name}: time, ratio to the first, largest difference from the first over its largest value")
    TRIES[name]()
