"""What is built on OpenAI's package, unmodified and at its defaults: only address and key are set, in the environment.

python defaults_test.py; needs OPENAI_BASE_URL and OPENAI_API_KEY
"""

import base64
import importlib.metadata
import os
import urllib.request

os.environ["OPENAI_API_BASE"] = os.environ["OPENAI_BASE_URL"]  # LangChain's name for it
os.environ.setdefault("AGNO_TELEMETRY", "false")
os.environ.setdefault("HAYSTACK_TELEMETRY_ENABLED", "false")
PROMPT = "a red apple"


def fetched(url):
    """Without any header of ours: whoever shows the picture has no key."""
    with urllib.request.urlopen(url) as file:
        return file.read()


def openai_package():
    import openai

    return base64.b64decode(openai.OpenAI().images.generate(prompt=PROMPT).data[0].b64_json)


def openai_package_with_dall_e():
    import openai

    return fetched(openai.OpenAI().images.generate(prompt=PROMPT, model="dall-e-3").data[0].url)


def langchain_community():
    from langchain_community.utilities.dalle_image_generator import DallEAPIWrapper

    return fetched(DallEAPIWrapper().run(PROMPT))


def llama_index_tools_openai_image_generation():
    from llama_index.tools.openai.image_generation.base import OpenAIImageGenerationToolSpec

    return fetched(OpenAIImageGenerationToolSpec(api_key=os.environ["OPENAI_API_KEY"]).image_generation(PROMPT))


def haystack_ai():
    from haystack.components.generators import OpenAIImageGenerator

    generator = OpenAIImageGenerator()
    generator.warm_up()
    return base64.b64decode(generator.run(PROMPT)["images"][0])


def agno():
    from agno.tools.dalle import DalleTools

    return fetched(DalleTools().create_image(PROMPT).images[0].url)


def agno_with_openai_tools():
    from agno.tools.openai import OpenAITools

    return OpenAITools().generate_image(PROMPT).images[0].content


for client in (
    openai_package,
    openai_package_with_dall_e,
    langchain_community,
    llama_index_tools_openai_image_generation,
    haystack_ai,
    agno,
    agno_with_openai_tools,
):
    picture = client()
    assert picture.startswith(b"\x89PNG\r\n\x1a\n"), (client.__name__, picture[:80])
    print(client.__name__, len(picture), "bytes")
print(
    "; ".join(
        f"{name} {importlib.metadata.version(name)}"
        for name in ("openai", "langchain-community", "llama-index-tools-openai-image-generation", "haystack-ai", "agno")
    )
    + ": all draw"
)
