"""Makes src/test/resources/pictures: picture files as other programs write them, small ones.

Versions: Pillow 13.0.0, numpy 2.x (see README.md). Run from the repository's root:
    python src/test/reference/pictures_reference.py
"""

import struct
import zlib
from pathlib import Path

import numpy as np
from PIL import Image, PngImagePlugin

OUT = Path("src/test/resources/pictures")
OUT.mkdir(parents=True, exist_ok=True)

# 12 x 8 pixels: red rises to the right, green rises downwards, blue is even.
Y, X = np.mgrid[0:8, 0:12]
RGB = np.stack([X * 20, Y * 30, np.full_like(X, 100)], axis=-1).astype(np.uint8)
picture = Image.fromarray(RGB)

# Stored so that a viewer which obeys EXIF shows the picture above.
turned = {
    1: RGB,
    2: RGB[:, ::-1],
    3: RGB[::-1, ::-1],
    4: RGB[::-1],
    5: RGB.transpose(1, 0, 2),
    6: RGB.transpose(1, 0, 2)[::-1],
    7: RGB.transpose(1, 0, 2)[::-1, ::-1],
    8: RGB.transpose(1, 0, 2)[:, ::-1],
}
for orientation, pixels in turned.items():
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = Image.fromarray(np.ascontiguousarray(pixels))
    assert np.array_equal(  # Pillow agrees on what the number means
        np.asarray(Image.Image.transpose(stored, {
            2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180, 4: Image.Transpose.FLIP_TOP_BOTTOM,
            5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_270, 7: Image.Transpose.TRANSVERSE,
            8: Image.Transpose.ROTATE_90}[orientation]) if orientation > 1 else stored), RGB), orientation
    stored.save(OUT / f"turned-{orientation}.png", exif=exif)
    if orientation == 6:
        stored.save(OUT / "turned-6.jpg", quality=95, subsampling=0, exif=exif)
        stored.save(OUT / "turned-6.webp", lossless=True, exif=exif)

picture.convert("CMYK").save(OUT / "cmyk.jpg", quality=90)
picture.convert("L").save(OUT / "grey.jpg", quality=95)
picture.save(OUT / "progressive.jpg", quality=95, subsampling=0, progressive=True)
picture.save(OUT / "baseline.jpg", quality=95, subsampling=0)
picture.save(OUT / "lossless.webp", lossless=True)
picture.save(OUT / "lossy.webp", quality=90)
picture.save(OUT / "plain.png")
picture.convert("L").save(OUT / "grey.png")
picture.quantize(96, dither=0).save(OUT / "palette.png")
picture.convert("L").point(lambda v: 255 if v > 80 else 0).convert("1").save(OUT / "bilevel.png")
Image.fromarray((X * 5000).astype(np.uint16)).save(OUT / "grey-16.png")
alpha = np.full((8, 12, 1), 255, np.uint8)
alpha[:, :6] = 0
alpha[:, 6:9] = 128
Image.fromarray(np.concatenate([RGB, alpha], axis=-1)).save(OUT / "alpha.png")
Image.fromarray(np.concatenate([RGB, alpha], axis=-1)).save(OUT / "alpha.webp", lossless=True, exact=True)

others = [picture.rotate(180)]
picture.save(OUT / "animated.png", save_all=True, append_images=others)
picture.save(OUT / "animated.webp", save_all=True, append_images=others, lossless=True)
picture.save(OUT / "animated.gif", save_all=True, append_images=others)


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int, height: int, bits: int, colour: int, *chunks: bytes, data: bytes = b"") -> bytes:
    header = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + b"".join(chunks)
            + chunk(b"IDAT", zlib.compress(data, 9)) + chunk(b"IEND", b""))


# Pillow writes no 16-bit RGB.
rows = b"".join(b"\0" + (RGB[y].astype(">u2") * 257).astype(">u2").tobytes() for y in range(8))
(OUT / "rgb-16.png").write_bytes(png(12, 8, 16, 2, data=rows))

# 48 KB that would be 1.2 GB.
(OUT / "bomb.png").write_bytes(png(20000, 20000, 8, 2, data=bytes(48_000_000)))

# As AUTOMATIC1111's web UI saves them: PNG text, and EXIF's UserComment by piexif's rules in the others.
TEXT = (
    "a (red:1.2) apple, on a table: \"still life\"\nsecond line\n"
    "Negative prompt: blurry, low quality\n"
    "Steps: 20, Sampler: DPM++ 2M, Schedule type: Automatic, CFG scale: 7, Seed: 965400086, Size: 512x640, "
    "Model hash: 6ce0161689, Model: v1-5-pruned-emaonly, Clip skip: 2, Version: v1.10.1"
)
info = PngImagePlugin.PngInfo()
info.add_text("parameters", TEXT)
picture.save(OUT / "webui.png", pnginfo=info)
info = PngImagePlugin.PngInfo()
info.add_text("parameters", TEXT.replace("apple", "りんご"))
picture.save(OUT / "webui-japanese.png", pnginfo=info)
info = PngImagePlugin.PngInfo()
info.add_text("parameters", TEXT, zip=True)
picture.save(OUT / "webui-packed.png", pnginfo=info)
exif = Image.Exif()
exif.get_ifd(0x8769)[0x9286] = b"UNICODE\0" + TEXT.encode("utf-16-be")
picture.save(OUT / "webui.jpg", exif=exif)
picture.save(OUT / "webui.webp", exif=exif)

info = PngImagePlugin.PngInfo()
info.add_text("parameters", "x" * 50_000_000, zip=True)
picture.save(OUT / "text-bomb.png", pnginfo=info)
info = PngImagePlugin.PngInfo()
info.add_itxt("parameters", "x" * 50_000_000, zip=True)
picture.save(OUT / "text-bomb-international.png", pnginfo=info)
