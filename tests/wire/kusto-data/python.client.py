# azure-kusto-data and azure-kusto-ingest, unchanged, under `kustody run`. Prints one JSON object.
import base64
import gzip
import io
import json
import os
import sys
import tempfile

from azure.kusto.data import ClientRequestProperties, KustoClient, KustoConnectionStringBuilder
from azure.kusto.data.data_format import DataFormat
from azure.kusto.data.exceptions import KustoApiError, KustoError, KustoServiceError
from azure.kusto.ingest import (
    BlobDescriptor,
    FileDescriptor,
    IngestionProperties,
    ManagedStreamingIngestClient,
    QueuedIngestClient,
    ReportLevel,
)
from azure.kusto.ingest.status import KustoIngestStatusQueues
from azure.storage.blob import ContainerClient

uri, database = sys.argv[1], sys.argv[2]
dm_uri = uri.replace("//", "//ingest-")


def connection(to):
    return KustoConnectionStringBuilder.with_aad_application_key_authentication(
        to, os.environ["AZURE_CLIENT_ID"], os.environ["AZURE_CLIENT_SECRET"], os.environ["AZURE_TENANT_ID"]
    )


client = KustoClient(connection(uri))
out = {}


def count(query):
    return client.execute(database, query + " | count").primary_results[0][0]["Count"]


def comes_to(query, wanted):
    """Waits for rows that nothing tells of. The test has the time limit."""
    while count(query) < wanted:
        pass
    return count(query)


def queued():
    """From a stream, a file and a blob, by a mapping, with tags, once; and what the queues of reports say."""
    client.execute_mgmt(database, ".create table Q (n:long, s:string)")
    mapping = '[{"column":"n","Properties":{"Path":"$.a"}},{"column":"s","Properties":{"Path":"$.b"}}]'
    client.execute_mgmt(database, f".create table Q ingestion json mapping 'byPath' '{mapping}'")
    ingest = QueuedIngestClient(connection(dm_uri))

    def properties(data_format, **more):
        return IngestionProperties(
            database, "Q", data_format=data_format, flush_immediately=True, report_level=ReportLevel.FailuresAndSuccesses, **more
        )

    by_path = {"ingestion_mapping_reference": "byPath"}
    tagged = {"drop_by_tags": ["day"], "ingest_by_tags": ["once"], "ingest_if_not_exists": ["once"]}
    ingest.ingest_from_stream(io.BytesIO(b"n,s\n1,stream\n"), properties(DataFormat.CSV, ignore_first_record=True, **tagged))
    seen = {"stream": comes_to("Q | where s == 'stream' and extent_tags() has 'drop-by:day'", 1)}
    with tempfile.NamedTemporaryFile(suffix=".json") as file:
        file.write(b'{"a": 2, "b": "file"}\n')
        file.flush()
        ingest.ingest_from_file(FileDescriptor(file.name), properties(DataFormat.JSON, **by_path))
    seen["file"] = comes_to("Q | where s == 'file' and n == 2", 1)

    containers = KustoClient(connection(dm_uri)).execute_mgmt("NetDefaultDB", ".show export containers").primary_results[0]
    blob = ContainerClient.from_container_url(containers[0]["StorageRoot"]).upload_blob("rows.json", b'{"a": 3, "b": "blob"}')
    ingest.ingest_from_blob(BlobDescriptor(blob.url), properties(DataFormat.JSON, **by_path))
    seen["blob"] = comes_to("Q | where s == 'blob'", 1)

    ingest.ingest_from_stream(io.BytesIO(b"1,stream\n"), properties(DataFormat.CSV, **tagged))
    ingest.ingest_from_stream(io.BytesIO(b"{}"), properties(DataFormat.JSON, ingestion_mapping_reference="none"))
    queues = KustoIngestStatusQueues(ingest)
    reports = {"success": [], "failure": []}
    while len(reports["success"]) < 3 or len(reports["failure"]) < 2:
        reports["success"] += [message.Table for message in queues.success.pop(10)]
        reports["failure"] += [message.ErrorCode for message in queues.failure.pop(10)]
    return {**seen, "success": reports["success"], "failure": sorted(reports["failure"]), "rows": count("Q")}


def managed():
    """Streams, and queues what is larger than a streaming request may be."""
    client.execute_mgmt(database, ".create table M (n:long, s:string)")
    client.execute_mgmt(database, ".alter table M policy streamingingestion enable")
    ingest = ManagedStreamingIngestClient(connection(uri), connection(dm_uri))
    properties = IngestionProperties(database, "M", data_format=DataFormat.CSV, flush_immediately=True)
    kinds = [ingest.ingest_from_stream(io.BytesIO(b"1,small\n"), properties).status.name]
    # Compressed it is still larger than 4 MiB.
    lines = b"".join(b"2," + base64.b64encode(os.urandom(900)) + b"\n" for _ in range(5000))
    kinds.append(ingest.ingest_from_stream(io.BytesIO(lines), properties).status.name)
    return [kinds, comes_to("M", 5001)]


out["created"] = client.execute_mgmt(database, ".create table P (n:long, t:datetime)").primary_results[0].rows_count
client.execute_mgmt(database, ".alter table P policy streamingingestion enable")
client.execute_streaming_ingest(database, "P", io.BytesIO(gzip.compress(b"1,2020-01-02T03:04:05.1234567Z\n")), None, "csv")
row = client.execute(database, "P | extend u = n + 1, r = real(nan), d = dynamic({'a': 1})").primary_results[0][0]
out["row"] = [row["n"], str(row["t"]), row["u"], str(row["r"]), row["d"]]

properties = ClientRequestProperties()
properties.set_parameter("x", 5)
out["parameter"] = client.execute(database, "declare query_parameters(x:long); print y = x * 2", properties).primary_results[0][0]["y"]

response = client.execute_streaming_query(database, "range x from 1 to 5000 step 1")
out["streamed"] = sum(row["x"] for table in response.iter_primary_results() for row in table)

# This client has version 1 for commands alone, and its parser of answers goes by the address.
out["warned"] = []
for version in ("v2", "v1"):
    client._query_endpoint = f"{uri}/{version}/rest/query"
    response = client.execute_query(database, "union isfuzzy=true (print a = 1), Gone")
    rows = [row["a"] for row in response.primary_results[0]]
    out["warned"].append([type(response).__name__, rows, response.errors_count, response.get_exceptions()])
client._query_endpoint = f"{uri}/v2/rest/query"

for name, text in (("semantic", "Nowhere"), ("syntax", "print x = ")):
    try:
        client.execute(database, text)
    except KustoServiceError as error:
        told = error.get_api_error()
        out[name] = [type(error).__name__, error.is_semantic_error(), told.code, told.type, told.permanent, told.description]

try:
    client.execute("nowhere", "print 1")
except KustoApiError as error:
    out["missing"] = [error.error.code, error.error.permanent]

properties = ClientRequestProperties()
properties.set_option("truncationmaxrecords", 3)
try:
    client.execute(database, "range x from 1 to 10 step 1", properties)
except KustoError as error:
    out["truncated"] = "E_QUERY_RESULT_SET_TOO_LARGE" in str(error)

out["queued"] = queued()
out["managed"] = managed()

print(json.dumps(out))
