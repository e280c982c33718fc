"""Writes what transformers' CLIP tokenizers make of some thousand hard texts with CLIP's real vocabulary.

Run from the repository root (versions in README.md beside this file):

    HF_HUB_OFFLINE=1 python src/test/reference/tokenizer_reference.py

It reads src/test/resources/clip/bpe_simple_vocab_16e6.txt.gz and writes tokens.json.gz beside it. Everything is derived from one
seed; nothing is downloaded. The share of texts on which the three tokenizers agree is printed by kind of text.
"""

import gzip
import json
import random
import tempfile
import unicodedata
from collections import defaultdict
from pathlib import Path

import ftfy
import tokenizers
import transformers
from transformers import CLIPTokenizer, CLIPTokenizerFast
from transformers.models.bert.tokenization_bert import BasicTokenizer
from transformers.models.clip.tokenization_clip import bytes_to_unicode

FOLDER = Path(__file__).resolve().parents[1] / "resources" / "clip"
MERGES = 49152 - 256 - 2
ASTRONAUT = "a photo of an astronaut riding a horse on mars"
ASTRONAUT_IDS = [49406, 320, 1125, 539, 550, 18376, 6765, 320, 4558, 525, 7496, 49407]


def special(token, normalized=True):
    return {"content": token, "lstrip": False, "normalized": normalized, "rstrip": False, "single_word": False}


def write_tokenizer(folder, pad):
    """The files of openai/clip-vit-large-patch14, or with `pad` "!" those of SDXL's tokenizer_2."""
    with gzip.open(FOLDER / "bpe_simple_vocab_16e6.txt.gz", "rt", encoding="utf-8") as file:
        merges = file.read().split("\n")[1 : MERGES + 1]
    symbols = list(bytes_to_unicode().values())
    vocabulary = symbols + [s + "</w>" for s in symbols] + [m.replace(" ", "") for m in merges]
    vocabulary += ["<|startoftext|>", "<|endoftext|>"]
    assert len(vocabulary) == len(set(vocabulary)) == 49408
    folder.mkdir()
    (folder / "vocab.json").write_text(json.dumps({token: i for i, token in enumerate(vocabulary)}), encoding="utf-8")
    (folder / "merges.txt").write_text("#version: 0.2\n" + "\n".join(merges) + "\n", encoding="utf-8")
    start, end = special("<|startoftext|>"), special("<|endoftext|>")
    tokens = {"bos_token": start, "eos_token": end, "pad_token": pad, "unk_token": end}
    (folder / "special_tokens_map.json").write_text(json.dumps(tokens), encoding="utf-8")
    config = {"tokenizer_class": "CLIPTokenizer", "model_max_length": 77, "pad_token": pad}
    if pad == "!":
        decoder = {"0": special("!", False), "49406": start, "49407": end}
        config["added_tokens_decoder"] = {key: {**token, "special": True} for key, token in decoder.items()}
        config |= {"bos_token": "<|startoftext|>", "eos_token": "<|endoftext|>", "unk_token": "<|endoftext|>"}
    (folder / "tokenizer_config.json").write_text(json.dumps(config), encoding="utf-8")
    return folder


# The texts.

HARD = [
    ASTRONAUT,
    "",
    " ",
    "   \t\r\n ",
    "\u3000",
    "a",
    "!",
    "'",
    "\u00e9",
    "e\u0301",
    "\U0001f600",
    "\u732b",
    "\u0000",
    "\ufeff",
    "\ufffd",
    "\ue000",
    "\U0010fffd",
    "\ufdd0\uffff",
    "<|startoftext|>",
    "<|endoftext|>",
    "<|endoftext|><|endoftext|>",
    "a cat <|endoftext|> a dog",
    "a cat<|endoftext|>a dog <|startoftext|>",
    "<|ENDOFTEXT|> <|EndOfText|>",
    "<|endoftext|",
    "<|endo\u200bftext|>",
    "<|\uff45ndoftext|>",
    "a </w> b</w>",
    "\u0120a \u0122",
    "it's they're we've I'm you'll he'd don't CAN'T IT'S",
    "'s 't 're 've 'm 'll 'd 'x",
    "''s'''t 'sssss",
    "it\u2019s a \u201cquoted\u201d dog \u2014 and\u2026",
    "it\u00b4s it`s it\u02bcs it\u2032s",
    ":-) ;-( :D XD ^_^ (\u256f\u00b0\u25a1\u00b0)\u256f\ufe35 \u253b\u2501\u253b \u00af\\_(\u30c4)_/\u00af",
    "(red apple:1.3), [green], {blue} <lora:x:0.5> \\(round\\)",
    "!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!",
    "a!b!!c!!!d",
    "........,,,,,,;;;;;;??????",
    "#$%&*+=-_/\\|~^@<>",
    "hello_world foo-bar a/b\\c a+b=c x=y;z",
    "0 1 12 2024 3.14 1,000 1e-5 x2 4k 8K mp3 1920x1080 16:9 f/1.8 50mm ISO100 $9.99 100% #1",
    "\u00bd \u00b2 \u2167 \u0663 \u4e09 \u0967 \u2460 \U0001d7d8",
    "\ufb01ne \ufb02ower \uff21\uff22\uff23 \uff11\uff12 \u3392",
    "\u0130stanbul ISTANBUL \u0131 I\u0307",
    "STRASSE stra\u00dfe STRA\u1e9eE",
    "\u0395\u03bb\u03bb\u03b7\u03bd\u03b9\u03ba\u03ac \u03a3\u039f\u03a6\u039f\u03a3 \u03a3",
    "\u01c5 \u01c8 \u01f2 \u1f88",
    "\u212b \u2126 \u212a",
    "\uac00 \u1100\u1161 \u1100\u1161\u11a8",
    "\u0958 \u0915\u093c",
    "q\u0307\u0323 q\u0323\u0307",
    "a\u0300\u0301\u0302\u0303\u0304\u0305\u0306\u0307\u0308",
    "Z\u0351\u036b\u0343\u036a\u0302\u036b\u033d\u034f\u0334\u0319\u0324\u031ea\u0321\u0353\u031e\u0345l\u0328g\u0321o\u0322",
    "\u0639\u0631\u0628\u064a \u05e2\u05d1\u05e8\u05d9\u05ea \u202eRTL\u202c \u200fx\u200e",
    "\u0928\u092e\u0938\u094d\u0924\u0947 \u0e2a\u0e27\u0e31\u0e2a\u0e14\u0e35 \u1019\u103c\u1014\u103a",
    "\u732b\u3068\u72ac cat\u72acdog \u65e5\u672c\u8a9e\u306e\u30c6\u30ad\u30b9\u30c8 \ud55c\uad6d\uc5b4",
    "\u8fd9\u662f\u4e00\u53ea\u732b\uff0c\u5728\u684c\u5b50\u4e0a\u3002",
    "\U00020000\U0002a6d6 \uf900 \U0002f800",
    "\U0001f468\u200d\U0001f469\u200d\U0001f467 \U0001f44b\U0001f3fd \u2764\ufe0f \u2764 \U0001f1e9\U0001f1ea \U0001f1e9",
    "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f 1\ufe0f\u20e3 \u00a9\ufe0f",
    "cat\U0001f431dog\U0001f436 \U0001f600\U0001f600\U0001f600",
    "a\u0000b\u0001c\u0007d\u001be\u007ff\u0085g\u009fh",
    "zero\u200bwidth soft\u00adhyphen \ufeffbom word\u2060joiner \u180e",
    "red\u00a0apple\u2003moon\u3000sun\u2028line\u2029par\u0085nel\u000bvt\u000cff\u001cfs\u001fus\u1680og",
    "caf\u00c3\u00a9 \u00e2\u20ac\u0153quote\u00e2\u20ac\u009d",
    "&lt;b&gt; &amp;amp; 1 &lt; 2 &#39;x&#39; &eacute; &EACUTE; &nbsp;x &bogus;",
    "\x1b[31mred\x1b[0m",
    "https://example.org/a?b=c&d=%20 me@example.org C:\\dir\\file.txt",
    "supercalifragilisticexpialidocious pneumonoultramicroscopicsilicovolcanoconiosis",
    "a" * 300,
    "ab" * 500,
    "\U0001f431" * 100,
    "\u732b" * 100,
    "!?" * 200,
    "1234567890" * 20,
    ", ".join(["red apple"] * 100),
]

# ordinary prompts
SUBJECTS = """a cat|an astronaut|two dogs|portrait of a young woman|an old man|the Eiffel Tower|a dragon|a cup of coffee|a red sports car
|a medieval castle|1girl, solo|a bowl of ramen|Mona Lisa|a steam train|a robot|cottage in the woods|Tokyo street|a blue-eyed wolf
|the queen's crown|a T-Rex|a knight in armour|kitten & puppy|"hello world" sign|a man's hand|Albert Einstein""".replace("\n", "").split("|")
ACTIONS = """riding a horse|sitting on a chair|in the rain|at sunset|on mars|flying over the city|drinking tea|reading a book|wearing a hat
|looking at viewer|under water|in Van Gogh's style|made of glass|with long hair|holding a sword|during the 1980s|that isn't there
|at 5 o'clock|surrounded by flowers|in front of a window|by Greg Rutkowski and Alphonse Mucha|eating spaghetti""".replace("\n", "").split("|")
TAGS = """masterpiece|best quality|highly detailed|8k|4K UHD|trending on artstation|cinematic lighting|bokeh|f/1.8|50mm lens|oil on canvas
|unreal engine 5|ultra-realistic|volumetric light|HDR|sharp focus|(best quality:1.2)|((masterpiece))|[blurry]|(detailed face:1.3)|--ar 16:9
|black-and-white|pastel colours|depth of field|studio photo|octane render|low-poly|isometric|watercolor|pencil sketch|ISO 100|1/250s
|golden hour|no text|lowres|bad anatomy|extra digits|jpeg artifacts|worst quality|year 2023|3d|vector art|don't blur|50% opacity|#art
|photo-realistic!|dramatic...|RAW photo|film grain|soft light; warm|mid-century modern|rule of thirds|Kodak Portra 400""".replace("\n", "").split("|")
TYPOGRAPHY = list("\u2018\u2019\u201c\u201d\u2013\u2014\u2026\u00b7\u2022\u2122\u00a9\u00ae\u00b0\u00d7\u00ab\u00bb\u2032\u2033\u00bd\ufb01\ufb02\u20ac\u00a3")
# first and last code point of letters
SCRIPTS = [
    (0x00C0, 0x024F), (0x0386, 0x03FF), (0x0400, 0x04FF), (0x0531, 0x0586), (0x05D0, 0x05EA), (0x0620, 0x064A),
    (0x0905, 0x0939), (0x0985, 0x09B9), (0x0A05, 0x0A39), (0x0B85, 0x0BB9), (0x0C05, 0x0C39), (0x0D05, 0x0D39),
    (0x0E01, 0x0E3A), (0x0E81, 0x0EB0), (0x0F40, 0x0F6C), (0x1000, 0x102A), (0x10A0, 0x10FF), (0x1200, 0x135A),
    (0x13A0, 0x13F5), (0x1401, 0x166C), (0x16A0, 0x16EA), (0x1780, 0x17B3), (0x1820, 0x1878), (0x1E00, 0x1FFC),
    (0x2C00, 0x2C5F), (0x2D30, 0x2D67), (0xA000, 0xA48C), (0xAC00, 0xD7A3), (0x10330, 0x1034A), (0x1D400, 0x1D7CB),
]  # fmt: skip
CJK = [(0x4E00, 0x9FFF), (0x3041, 0x3096), (0x30A1, 0x30FA), (0x3400, 0x4DBF), (0x20000, 0x2A6DF), (0xF900, 0xFAFF)]
EMOJI = [(0x1F300, 0x1F5FF), (0x1F600, 0x1F64F), (0x1F680, 0x1F6FF), (0x1F900, 0x1F9FF), (0x1FA70, 0x1FAFF), (0x2600, 0x27BF)]
SPACES = list(" \t\n\r\u000b\u000c\u001c\u001d\u001e\u001f\u0085\u00a0\u1680\u2000\u2003\u2009\u200a\u2028\u2029\u202f\u205f\u3000")
INVISIBLE = list("\u200b\u200c\u200d\u200e\u200f\u2060\ufeff\u00ad\u061c\u180e\u202a\u202e\u2066\u2069")
ENTITIES = ["&amp;", "&lt;", "&gt;", "&quot;", "&#39;", "&#x1F600;", "&eacute;", "&hellip;", "&nbsp;", "&copy", "&notit;"]
MOJIBAKE = ["caf\u00c3\u00a9", "\u00e2\u20ac\u2122", "\u00e2\u20ac\u0153", "\u00c2\u00a0", "\u00f0\u0178\u02dc\u20ac", "na\u00c3\u00afve"]
PUNCTUATION = list("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~")
SPECIAL = ["<|startoftext|>", "<|endoftext|>", "<|endoftext|>", "<|STARTOFTEXT|>", "<|end", "</w>"]


def texts():
    """Pairs of kind and text, none twice."""
    r = random.Random(1)
    letter = lambda blocks: chr(r.randint(*r.choice(blocks)))
    several = lambda make, low, high, glue="": glue.join(make() for _ in range(r.randint(low, high)))
    english = lambda: r.choice(r.choice((SUBJECTS, ACTIONS, TAGS))).split()[-1]

    def ordinary():
        return ", ".join([f"{r.choice(SUBJECTS)} {r.choice(ACTIONS)}", *r.sample(TAGS, r.randint(0, 6))])

    def typographic():
        words = ordinary().split(" ")
        for _ in range(r.randint(1, 3)):
            i = r.randrange(len(words))
            at = r.choice((0, len(words[i]), r.randint(0, len(words[i]))))
            words[i] = words[i][:at] + r.choice(TYPOGRAPHY) + words[i][at:]
        return " ".join(words)

    def script():
        block = [r.choice(SCRIPTS)]
        return several(lambda: r.choice((english, lambda: several(lambda: letter(block), 1, 7)))(), 1, 6, " ")

    def cjk():
        mark = lambda: r.choice("\u3001\u3002\uff01\uff0c\u300c\u300d\u30fc\uff11\uff21 ")
        word = lambda: r.choice((lambda: several(lambda: letter(CJK), 1, 6), lambda: several(lambda: letter(CJK[:3]), 2, 8), mark, english))()
        return several(word, 1, 6)

    def emoji():
        tone = lambda: letter(EMOJI) + chr(r.randint(0x1F3FB, 0x1F3FF))
        flag = lambda: chr(r.randint(0x1F1E6, 0x1F1FF)) + chr(r.randint(0x1F1E6, 0x1F1FF))
        family = lambda: several(lambda: letter(EMOJI), 2, 4, "\u200d")
        keycap = lambda: r.choice("0123456789#*") + "\ufe0f\u20e3"
        make = lambda: r.choice((lambda: letter(EMOJI), tone, flag, family, keycap, lambda: letter(EMOJI) + "\ufe0f", english))()
        return several(make, 1, 6, r.choice(("", " ")))

    def control():
        odd = lambda: r.choice((lambda: r.choice(SPACES), lambda: r.choice(INVISIBLE), lambda: chr(r.choice((r.randint(0, 31), r.randint(127, 159))))))()
        return several(lambda: r.choice((odd, odd, lambda: english() + " "))(), 1, 9)

    def escaped():
        return several(lambda: r.choice((lambda: r.choice(ENTITIES), lambda: r.choice(MOJIBAKE), english))(), 1, 6, r.choice(("", " ")))

    def accented():
        mark = lambda: chr(r.choice((r.randint(0x300, 0x36F), r.randint(0x300, 0x308), r.randint(0x64B, 0x652), r.randint(0x20D0, 0x20E2))))
        word = lambda: several(lambda: r.choice((r.choice("aeiouncsyzAEIOUNC"), letter(SCRIPTS[:3])) ) + (mark() if r.random() < 0.4 else ""), 1, 8)
        return unicodedata.normalize(r.choice(("NFC", "NFD", "NFKD")), several(word, 1, 4, " "))

    def runs():
        return several(
            lambda: r.choice((
                lambda: several(lambda: r.choice(PUNCTUATION), 1, 8),
                lambda: r.choice(PUNCTUATION) * r.randint(1, 30),
                lambda: several(lambda: r.choice("0123456789.,"), 1, 9),
                lambda: several(lambda: r.choice("abcdefghijklmnopqrstuvwxyzABCDE"), 1, 40),
                lambda: r.choice(SPECIAL),
                lambda: english() + r.choice(("'s", "'t", "'re", "'ve", "'m", "'ll", "'d", "'S", "'RE", "'")),
                english,
            ))(), 1, 6, r.choice(("", " ")))  # fmt: skip

    def anything():
        point = lambda: r.choice((r.randint(0, 0xD7FF), r.randint(0xE000, 0xFFFF), r.randint(0x10000, 0x1FFFF), r.randint(0x20000, 0x10FFFF)))
        return several(lambda: chr(point()), 1, 12)

    seen = set()
    kinds = [
        ("ordinary", 600, ordinary),
        ("typographic", 250, typographic),
        ("script", 450, script),
        ("cjk", 300, cjk),
        ("emoji", 300, emoji),
        ("control", 300, control),
        ("escaped", 150, escaped),
        ("accented", 250, accented),
        ("runs", 350, runs),
        ("anything", 200, anything),
    ]
    for text in HARD:
        seen.add(text)
        yield "hard", text
    for kind, count, make in kinds:
        while count:
            text = make()
            if text not in seen:
                seen.add(text)
                count -= 1
                yield kind, text


def main():
    with tempfile.TemporaryDirectory() as temporary:
        folder = write_tokenizer(Path(temporary) / "tokenizer", "<|endoftext|>")
        folder_2 = write_tokenizer(Path(temporary) / "tokenizer_2", "!")
        fast, fast_2 = CLIPTokenizerFast.from_pretrained(folder), CLIPTokenizerFast.from_pretrained(folder_2)
        with_ftfy, plain = CLIPTokenizer.from_pretrained(folder), CLIPTokenizer.from_pretrained(folder)
    assert with_ftfy.fix_text is not None, "ftfy is not installed"
    plain.fix_text, plain.nlp = None, BasicTokenizer(strip_accents=False, do_split_on_punc=False)
    assert fast(ASTRONAUT).input_ids == plain(ASTRONAUT).input_ids == ASTRONAUT_IDS

    rows, agreement = [], defaultdict(lambda: [0, 0, 0, 0])
    for kind, text in texts():
        ids = fast(text).input_ids
        row = {"kind": kind, "text": text, "ids": ids[1:-1]}
        row["slow"] = plain(text).input_ids == ids
        row["ftfy"] = with_ftfy(text).input_ids == ids
        ids_2 = fast_2(text).input_ids
        if ids_2 != ids:
            row["ids_pad_0"] = ids_2[1:-1]
        rows.append(row)
        for at, counts in enumerate((True, row["slow"], row["ftfy"], "ids_pad_0" in row)):
            agreement[kind][at] += counts
            agreement["all"][at] += counts
    print(f"{'kind':12} {'texts':>6} {'slow agrees':>12} {'ftfy agrees':>12} {'! differs':>10}")
    for kind, counts in agreement.items():
        print(f"{kind:12} {counts[0]:6} {counts[1]:12} {counts[2]:12} {counts[3]:10}")

    versions = {module.__name__: module.__version__ for module in (transformers, tokenizers, ftfy)}
    reference = json.dumps({"versions": versions, "texts": rows}, separators=(",", ":")).encode()
    (FOLDER / "tokens.json.gz").write_bytes(gzip.compress(reference, 9, mtime=0))


if __name__ == "__main__":
    main()
