"""Makes the tables beside it: python make.py, with deltalake and pyarrow from PyPI."""
import datetime
import decimal
import pathlib
import shutil

import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import DeltaTable, write_deltalake

here = pathlib.Path(__file__).parent
utc = datetime.timezone.utc


def fresh(name):
    shutil.rmtree(here / name, ignore_errors=True)
    return str(here / name)


# A column of each type, and a row of nulls.
scalars = pa.table(
    {
        "Boolean": pa.array([True, False, None]),
        "Byte": pa.array([1, -128, None], pa.int8()),
        "Short": pa.array([1, -(2**15), None], pa.int16()),
        "Int": pa.array([1, -(2**31), None], pa.int32()),
        "Long": pa.array([1, -(2**63), None], pa.int64()),
        "Float": pa.array([0.5, -1.25, None], pa.float32()),
        "Double": pa.array([0.1, -1e300, None], pa.float64()),
        "Text": pa.array(["grüße, ☕", "", None]),
        "Binary": pa.array([b'{"a":1}', b"", None], pa.binary()),
        "Date": pa.array([datetime.date(2026, 1, 2), datetime.date(1969, 12, 31), None]),
        "Instant": pa.array([datetime.datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=utc), datetime.datetime(1960, 1, 1, tzinfo=utc), None], pa.timestamp("us", tz="UTC")),
        "Decimal": pa.array([decimal.Decimal("1234567890.1234"), decimal.Decimal("-0.0100"), None], pa.decimal128(20, 4)),
        "List": pa.array([[1, 2], [], None], pa.list_(pa.int32())),
        "Map": pa.array([[("a", "1")], [], None], pa.map_(pa.string(), pa.string())),
        "Struct": pa.array([{"Name": "start", "Level": 1.5}, {"Name": None, "Level": None}, None]),
    }
)
write_deltalake(fresh("scalars"), scalars)
# Times without a zone are a feature that readers must know.
write_deltalake(fresh("local-times"), pa.table({"Id": pa.array([1], pa.int64()), "Local": pa.array([datetime.datetime(2026, 1, 2, 3, 4, 5)], pa.timestamp("us"))}))

# Versions: written, appended, a column added, rows deleted, a checkpoint, appended, and written anew.
at = fresh("changed")


def rows(first, count, **more):
    ids = list(range(first, first + count))
    return pa.table({"Id": pa.array(ids, pa.int64()), "Text": [f"row {n}" for n in ids], **{name: pa.array([value] * count) for name, value in more.items()}})


write_deltalake(at, rows(0, 3))
write_deltalake(at, rows(10, 3), mode="append")
write_deltalake(at, rows(20, 2, More=1.5), mode="append", schema_mode="merge")
DeltaTable(at).delete("Id = 10")
DeltaTable(at).delete("Id <= 2")
DeltaTable(at).create_checkpoint()
write_deltalake(at, rows(30, 1, More=2.5), mode="append")
DeltaTable(at).delete("Id = 21")
# Without the versions before its checkpoint, as after a clean-up, and with the checkpoint in two parts, as other writers make it.
parts = here / "parts"
shutil.rmtree(parts, ignore_errors=True)
shutil.copytree(at, parts)
log = parts / "_delta_log"
for version in range(5):
    (log / f"{version:020}.json").unlink()
whole = log / f"{4:020}.checkpoint.parquet"
actions = pq.read_table(whole)
for part, rows_of in enumerate((actions.slice(0, 3), actions.slice(3)), start=1):
    pq.write_table(rows_of, log / f"{4:020}.checkpoint.{part:010}.{2:010}.parquet")
whole.unlink()
for removed in DeltaTable(at).vacuum(retention_hours=0, dry_run=True, enforce_retention_duration=False):
    (parts / removed).unlink()

# Partitions of each type, with values that a path has to escape.
at = fresh("partitioned")
partitioned = pa.table(
    {
        "Id": pa.array([1, 2, 3, 4], pa.int64()),
        "Text": pa.array(["a/b c%", "plain", None, "grüße=☕"]),
        "Day": pa.array([datetime.date(2026, 1, 2), datetime.date(2026, 1, 3), None, datetime.date(2026, 1, 3)]),
        "Number": pa.array([7, -8, None, 7], pa.int32()),
    }
)
write_deltalake(at, partitioned, partition_by=["Text", "Day", "Number"])
DeltaTable(at).create_checkpoint()
write_deltalake(at, partitioned.slice(1, 1), partition_by=["Text", "Day", "Number"], mode="append")
