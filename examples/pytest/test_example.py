from azure.identity import DefaultAzureCredential
from azure.keyvault.keys import KeyClient
from azure.kusto.data import KustoClient, KustoConnectionStringBuilder


def test_a_query(kustody):
    connection = KustoConnectionStringBuilder.with_azure_token_credential(kustody.cluster_uri, DefaultAzureCredential())
    with KustoClient(connection) as client:
        client.execute_mgmt(kustody.database, ".create table Log (Level: string, Text: string)")
        client.execute_mgmt(kustody.database, ".ingest inline into table Log <| info,hello")
        rows = client.execute(kustody.database, "Log | project Level, Text").primary_results[0]
        assert [list(row) for row in rows] == [["info", "hello"]]


def test_the_key(kustody):
    key = KeyClient(kustody.vault_uri, DefaultAzureCredential()).get_key(kustody.key_id.rsplit("/", 1)[-1])
    assert key.key_type == "RSA"
