# azure-kusto-data, unchanged, under `kustody run`. Prints one JSON object.
import gzip
import io
import json
import os
import sys

from azure.kusto.data import ClientRequestProperties, KustoClient, KustoConnectionStringBuilder
from azure.kusto.data.exceptions import KustoApiError, KustoError, KustoServiceError

uri, database = sys.argv[1], sys.argv[2]
client = KustoClient(
    KustoConnectionStringBuilder.with_aad_application_key_authentication(
        uri, os.environ["AZURE_CLIENT_ID"], os.environ["AZURE_CLIENT_SECRET"], os.environ["AZURE_TENANT_ID"]
    )
)
out = {}

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

try:
    client.execute(database, "Nowhere")
except KustoServiceError as error:
    out["semantic"] = error.is_semantic_error()

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

print(json.dumps(out))
