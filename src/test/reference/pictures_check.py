"""Reads pictures of Darkroom as other programs do, and compares what they find with Darkroom's own report.

Pillow reads PNG's text and the XMP of PNG, JPEG and WebP; XMP is parsed as RDF by its name spaces, as exiftool shows it
(`exiftool -XMP-iptcExt:DigitalSourceType`); the text `parameters` is taken apart by the regular expressions of
AUTOMATIC1111's web UI at v1.10.1 (modules/infotext_utils.py: re_param, re_imagesize), in JPEG and WebP from EXIF's
UserComment as modules/images.py does.

Versions: Pillow 13.0.0 (see README.md). Run from the repository's root on a built jar:
    python src/test/reference/pictures_check.py target/darkroom.jar
"""

import json
import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from pathlib import Path

from PIL import Image

RE_PARAM = re.compile(r'\s*(\w[\w \-/]+):\s*("(?:\\.|[^\\"])+"|[^,]*)(?:,|$)')
RE_SIZE = re.compile(r"^(\d+)x(\d+)$")
DESCRIPTION = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}Description"
SOURCE_TYPE = "{http://iptc.org/std/Iptc4xmpExt/2008-02-29/}DigitalSourceType"
RECIPE = "{https://darkroom.dev/ns/recipe/1.0/}recipe"
MARK = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"

PROMPTS = ["a red apple", "a (red:1.2) apple, \"still life\": on a table", "りんご, Äpfel"]
NEGATIVE = "blurry, low: quality"


def run(jar: str, *arguments: str) -> str:
    return subprocess.run(["java", "-jar", jar, *arguments], check=True, capture_output=True, text=True).stdout


def xmp(image: Image.Image) -> ET.Element:
    packet = image.info["xmp"] if "xmp" in image.info else image.info["XML:com.adobe.xmp"]
    packet = packet if isinstance(packet, str) else packet.decode("utf-8")
    return next(ET.fromstring(packet).iter(DESCRIPTION))


def parameters(image: Image.Image) -> str:
    if image.format == "PNG":
        return image.info["parameters"]
    comment = image.getexif().get_ifd(0x8769)[0x9286]
    assert comment[:8] == b"UNICODE\0"
    return comment[8:].decode("utf-16-be")


def web_ui(text: str) -> dict[str, str]:
    """What parse_generation_parameters finds in it."""
    *lines, last = text.strip().split("\n")
    assert len(RE_PARAM.findall(last)) >= 3
    found = {"Prompt": "", "Negative prompt": ""}
    key = "Prompt"
    for line in lines:
        line = line.strip()
        if line.startswith("Negative prompt:"):
            key, line = "Negative prompt", line[16:].strip()
        found[key] += ("\n" if found[key] else "") + line
    for name, value in RE_PARAM.findall(last):
        if value[0] == '"' and value[-1] == '"':
            value = json.loads(value)
        size = RE_SIZE.match(value)
        if size:
            found[name + "-1"], found[name + "-2"] = size.groups()
        else:
            found[name] = value
    return found


def main(jar: str) -> None:
    folder = Path(tempfile.mkdtemp())
    for number, prompt in enumerate(PROMPTS):
        for ending in ("png", "jpg", "webp"):
            file = folder / f"{number}.{ending}"
            run(jar, "generate", prompt, "--negative-prompt", NEGATIVE, "--steps", "2", "--seed", "42", "--sampler",
                "euler_ancestral", "--schedule", "karras", "--guidance-scale", "3.5", "--data-dir", str(folder / "data"),
                "--models-dir", str(folder / "models"), "-o", str(file))
            report = json.loads(run(jar, "inspect", "--json", str(file)))
            request = report["request"]
            with Image.open(file) as image:
                image.load()
                assert image.size == (request["width"], request["height"])
                description = xmp(image)
                assert description.find(SOURCE_TYPE).text == MARK
                assert json.loads(description.find(RECIPE).text)["request"] == request
                if ending == "png":
                    assert json.loads(image.info["darkroom"])["request"] == request
                found = web_ui(parameters(image))
            expected = {
                "Prompt": prompt, "Negative prompt": NEGATIVE, "Steps": "2", "Sampler": "Euler a",
                "Schedule type": "Karras", "CFG scale": "3.5", "Seed": "42", "Model": request["model"],
                "Size-1": str(request["width"]), "Size-2": str(request["height"]),
            }
            if ending != "png":
                expected |= {"Output format": request["output_format"], "Output compression": "90"}
            assert found == expected, (found, expected)
            print(f"{file.name}: mark, recipe and {len(found)} parameters as Darkroom reports them")


main(sys.argv[1])
