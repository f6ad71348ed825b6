"""Makes the files beside it: python make.py, with pyarrow from PyPI."""
import datetime
import decimal
import pathlib

import pyarrow as pa
from pyarrow import orc

here = pathlib.Path(__file__).parent
utc = datetime.timezone.utc


def stamp(year, *rest, **zone):
    return datetime.datetime(year, *rest, **zone)


scalars = pa.table(
    {
        "Boolean": pa.array([True, False, None, True]),
        "Byte": pa.array([1, -128, None, 127], pa.int8()),
        "Short": pa.array([1, -(2**15), None, 2**15 - 1], pa.int16()),
        "Int": pa.array([1, -(2**31), None, 2**31 - 1], pa.int32()),
        "Long": pa.array([1, -(2**63), None, 2**63 - 1], pa.int64()),
        "Float": pa.array([0.5, float("-inf"), None, 1.25], pa.float32()),
        "Double": pa.array([0.1, float("nan"), None, -1e300], pa.float64()),
        "Text": pa.array(["grüße, ☕", "", None, "x" * 300]),
        "Binary": pa.array([b'{"a":1}', b"", None, b"\xff\xfe"], pa.binary()),
        "Date": pa.array([datetime.date(2026, 1, 2), datetime.date(1969, 12, 31), None, datetime.date(1, 1, 1)]),
        "Time": pa.array([stamp(2026, 1, 2, 3, 4, 5, 678901), stamp(1969, 12, 31, 23, 59, 59, 500000), None, stamp(2014, 12, 31, 23, 59, 59, 1000)], pa.timestamp("ns")),
        "Instant": pa.array([stamp(2026, 1, 2, 3, 4, 5, tzinfo=utc), stamp(1960, 1, 1, tzinfo=utc), None, stamp(2015, 1, 1, tzinfo=utc)], pa.timestamp("us", tz="UTC")),
        "Decimal": pa.array([decimal.Decimal("1234567890.1234"), decimal.Decimal("-0.0100"), None, decimal.Decimal("0")], pa.decimal128(20, 4)),
        "Wide": pa.array([decimal.Decimal("12345678901234567890.5"), decimal.Decimal("-1.5"), None, decimal.Decimal("0")], pa.decimal128(38, 1)),
        "List": pa.array([[1, 2], [], None, [None, 3]], pa.list_(pa.int32())),
        "Map": pa.array([[("a", "1"), ("b", None)], [], None, [("c", "3")]], pa.map_(pa.string(), pa.string())),
        "Struct": pa.array([{"Name": "start", "Level": 1.5}, {"Name": None, "Level": None}, None, {"Name": "end", "Level": 2.5}]),
        "Deep": pa.array([[{"k": [1, 2]}], [], None, [{"k": None}, {"k": []}]], pa.list_(pa.struct([("k", pa.list_(pa.int64()))]))),
        "Unix": pa.array([1577836800] * 4, pa.int64()),
    }
)
for name in ("uncompressed", "zlib", "snappy", "lz4", "zstd"):
    orc.write_table(scalars, str(here / f"scalars.{name}.orc"), compression=name)

# Numbers that take each kind of run: repeated, direct, with a step, patched; texts with a dictionary and without one.
count = 6000
numbers = {
    "Repeated": [7 if n < 3000 else -7 for n in range(count)],
    "Direct": [((n * 7919 + 13) * 104729) % 1000003 - 500000 for n in range(count)],
    "Step": [1000 + 3 * n for n in range(count)],
    "Down": [10**12 - n * n for n in range(count)],
    "Patched": [(n * 31) % 97 + (2**40 + n if n % 100 == 50 else 0) for n in range(count)],
    "Wide": [(n * 0x9E3779B97F4A7C15) % 2**64 - 2**63 for n in range(count)],
    "Low": [-(2**62) + n if n % 2 else 2**62 - n for n in range(count)],
}
columns = {name: pa.array(values, pa.int64()) for name, values in numbers.items()}
columns["Word"] = pa.array([["red", "green", "blue", None][n % 4] for n in range(count)])
columns["Unique"] = pa.array([f"row {n}" for n in range(count)])
columns["Flag"] = pa.array([None if n % 7 == 0 else n % 3 == 0 for n in range(count)])
columns["Short"] = pa.array([(n // 50) % 128 - 64 for n in range(count)], pa.int8())
runs = pa.table(columns)
for version in ("0.11", "0.12"):
    orc.write_table(
        runs, str(here / f"runs.{version}.orc"), file_version=version, compression="zlib", stripe_size=64 * 1024,
        batch_size=1000, dictionary_key_size_threshold=0.5,
    )
