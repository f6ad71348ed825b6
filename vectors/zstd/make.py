"""Makes the files beside it: python make.py, with zstandard from PyPI."""
import hashlib
import json
import pathlib
import random

import zstandard

here = pathlib.Path(__file__).parent
chance = random.Random(4711)
words = ["key", "vault", "extent", "cluster", "lease", "rotate", "wrap", "Grüße", "☕", "2026-01-02T03:04:05Z"]
contents = {
    "empty": b"",
    "noise": chance.randbytes(1_000),
    "zeros": bytes(300_000),
    # Records, alike but for what is counted: many sequences in several blocks.
    "records": "".join(f'{{"id": {n}, "level": "{words[n % 7]}", "value": {n * 7919 % 1000}}}\n' for n in range(4_000)).encode(),
    # Words in no order: literals in codes of their own.
    "words": " ".join(chance.choice(words) for _ in range(12_000)).encode(),
    # Bytes of which some come often, and little that comes again.
    "skewed": bytes(min(255, int(chance.expovariate(0.05))) for _ in range(12_000)),
    # Far back, what stood before.
    "far": (lambda block: block + chance.randbytes(2_000) + block)(chance.randbytes(3_000)),
}
expected = {}
for name, content in contents.items():
    for level in (-5, 3, 19):
        packed = zstandard.ZstdCompressor(level=level, write_checksum=level == 19, write_content_size=level != 3).compress(content)
        # The same from several levels is kept once.
        if any(packed == (here / other).read_bytes() for other in expected if other.startswith(name)):
            continue
        file = f"{name}.{level}.zst"
        (here / file).write_bytes(packed)
        expected[file] = {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
frames = zstandard.ZstdCompressor().compress(b"one ") + b"\x50\x2a\x4d\x18\x03\x00\x00\x00abc" + zstandard.ZstdCompressor().compress(b"two")
(here / "frames.zst").write_bytes(frames)
expected["frames.zst"] = {"bytes": 7, "sha256": hashlib.sha256(b"one two").hexdigest()}
(here / "expected.json").write_text(json.dumps(expected, indent=1) + "\n")
