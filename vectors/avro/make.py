"""Makes the files beside it: python make.py, with fastavro, cramjam and backports.zstd from PyPI."""
import datetime
import decimal
import pathlib
import uuid

import fastavro

here = pathlib.Path(__file__).parent
sync = bytes(range(16))


def logical(base, name, **more):
    return {"type": base, "logicalType": name, **more}


types = {
    "Boolean": "boolean",
    "Int": "int",
    "Long": "long",
    "Float": "float",
    "Double": "double",
    "Text": "string",
    "Bytes": "bytes",
    "Fixed": {"type": "fixed", "name": "F4", "size": 4},
    "Enum": {"type": "enum", "name": "Suit", "symbols": ["SPADES", "HEARTS"]},
    "Date": logical("int", "date"),
    "TimeMillis": logical("int", "time-millis"),
    "TimeMicros": logical("long", "time-micros"),
    "Millis": logical("long", "timestamp-millis"),
    "Micros": logical("long", "timestamp-micros"),
    "LocalMillis": logical("long", "local-timestamp-millis"),
    "Decimal": logical("bytes", "decimal", precision=20, scale=4),
    "FixedDecimal": logical({"type": "fixed", "name": "F8", "size": 8, "logicalType": "decimal", "precision": 16, "scale": 2}, "decimal")["type"],
    "Uuid": logical("string", "uuid"),
    "Optional": ["null", "long"],
    "Unix": "long",
}
utc = datetime.timezone.utc


def row(number, text, data, when, optional, amount):
    return {
        "Boolean": number > 0,
        "Int": max(-(2**31), min(2**31 - 1, number)),
        "Long": number,
        "Float": 0.5 if number > 0 else float("-inf"),
        "Double": number / 4 if abs(number) < 2**40 else float("nan"),
        "Text": text,
        "Bytes": data,
        "Fixed": b"\x00\x01\xfe\xff",
        "Enum": "SPADES" if number > 0 else "HEARTS",
        "Date": when.date(),
        "TimeMillis": datetime.time(1, 2, 3, 4000),
        "TimeMicros": datetime.time(23, 59, 59, 999999),
        "Millis": when,
        "Micros": when,
        "LocalMillis": when.replace(tzinfo=None),
        "Decimal": amount,
        "FixedDecimal": amount.quantize(decimal.Decimal("0.01")),
        "Uuid": uuid.UUID("74be27de-1e4e-49d9-b579-fe0b331d3642"),
        "Optional": optional,
        "Unix": 1577836800,
    }


rows = [
    row(7, "grüße, ☕", b'{"a":[1,2]}', datetime.datetime(2026, 1, 2, 3, 4, 5, 678000, utc), 42, decimal.Decimal("1234567890.1234")),
    row(2**53 + 1, "", b"", datetime.datetime(1969, 12, 31, 23, 59, 59, 1000, utc), None, decimal.Decimal("-0.0100")),
    row(-(2**63), "x" * 300, b"\xff\xfe\x00", datetime.datetime(1, 1, 1, tzinfo=utc), -1, decimal.Decimal("-99.9900")),
]


def write(name, fields, records, codec, **more):
    schema = {"type": "record", "name": "R", "namespace": "vectors", "fields": fields}
    with open(here / name, "wb") as out:
        fastavro.writer(out, fastavro.parse_schema(schema), records, codec=codec, sync_marker=sync, **more)


for codec in ("null", "deflate", "snappy", "zstandard"):
    write(f"types.{codec}.avro", [{"name": n, "type": t} for n, t in types.items()], rows, codec)

node = {"type": "record", "name": "Node", "fields": [{"name": "value", "type": "int"}, {"name": "next", "type": ["null", "Node"]}]}
write(
    "nested.avro",
    [
        {"name": "Event", "type": {"type": "record", "name": "Event", "fields": [
            {"name": "Name", "type": "string"}, {"name": "odd name".replace(" ", "_"), "type": "long"}]}},
        {"name": "Tags", "type": {"type": "map", "values": ["null", "string", "long"]}},
        {"name": "Values", "type": {"type": "array", "items": "double"}},
        {"name": "Pairs", "type": {"type": "array", "items": {"type": "map", "values": "string"}}},
        {"name": "Octets", "type": {"type": "array", "items": "int"}},
        {"name": "List", "type": node},
    ],
    [
        {"Event": {"Name": "start", "odd_name": 5}, "Tags": {"a": "1", "b": 2, "c": None}, "Values": [1.5, -2.0],
         "Pairs": [{"n1": "v1"}, {"n2": "v2"}], "Octets": [0, 127, 255], "List": {"value": 1, "next": {"value": 2, "next": None}}},
        {"Event": {"Name": "end", "odd_name": -5}, "Tags": {}, "Values": [], "Pairs": [], "Octets": [256],
         "List": {"value": 3, "next": None}},
    ],
    "deflate",
)
write(
    "blocks.avro",
    [{"name": "N", "type": "int"}, {"name": "S", "type": "string"}],
    ({"N": n, "S": f"row {n} {'y' * (n % 50)}"} for n in range(5000)),
    "snappy",
    sync_interval=4000,
)
