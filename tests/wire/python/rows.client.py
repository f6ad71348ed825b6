"""A cluster under a key of its own, from sign-in to the rows that come back, with the current Python clients: azure-identity,
azure-keyvault-keys, -secrets and -certificates, azure-mgmt-keyvault, -kusto and -resource, azure-kusto-data and -ingest.

Runs under `kustody run` and prints one JSON object of what it saw.
"""
import base64
import io
import json
import os
import time

from azure.identity import DefaultAzureCredential
from azure.keyvault.certificates import CertificateClient, CertificatePolicy
from azure.keyvault.keys import KeyClient
from azure.keyvault.keys.crypto import CryptographyClient, KeyWrapAlgorithm
from azure.keyvault.secrets import SecretClient
from azure.kusto.data import KustoClient, KustoConnectionStringBuilder
from azure.kusto.data.exceptions import KustoServiceError
from azure.kusto.ingest import IngestionProperties, KustoStreamingIngestClient
from azure.mgmt.keyvault import KeyVaultManagementClient
from azure.mgmt.kusto import KustoManagementClient
from azure.mgmt.kusto.models import AzureSku, Cluster, ClusterUpdate, Identity, KeyVaultProperties, ReadWriteDatabase
from azure.mgmt.resource.resources import ResourceManagementClient
from cryptography.hazmat.primitives.serialization import Encoding, pkcs12

TENANT, SUBSCRIPTION = os.environ["AZURE_TENANT_ID"], os.environ["AZURE_SUBSCRIPTION_ID"]
GROUP, LOCATION, NAME, VAULT, KEY = "rg-rows", "westus2", "rowscluster", "rows-vault", "cluster-key"
CREDENTIAL = DefaultAzureCredential()


def main():
    seen = {}
    ResourceManagementClient(CREDENTIAL, SUBSCRIPTION).resource_groups.create_or_update(GROUP, {"location": LOCATION})
    clusters = KustoManagementClient(CREDENTIAL, SUBSCRIPTION)
    wanted = Cluster(
        location=LOCATION,
        sku=AzureSku(name="Standard_E2ads_v5", tier="Standard", capacity=2),
        identity=Identity(type="SystemAssigned"),
        enable_streaming_ingest=True,
    )
    cluster = clusters.clusters.begin_create_or_update(GROUP, NAME, wanted).result()
    vault_uri = make_vault(cluster.identity.principal_id)
    seen["certificate"] = certificate_and_secret(vault_uri)

    keys = KeyClient(vault_uri, CREDENTIAL)
    first = keys.create_rsa_key(KEY, size=2048)
    seen["unwrapped"] = unwrapped(first)

    def use(key):
        properties = KeyVaultProperties(key_name=KEY, key_version=key.properties.version, key_vault_uri=vault_uri)
        updated = clusters.clusters.begin_update(GROUP, NAME, ClusterUpdate(key_vault_properties=properties)).result()
        return [updated.provisioning_state, updated.key_vault_properties.key_version == key.properties.version]

    seen["configured"] = use(first)
    clusters.databases.begin_create_or_update(GROUP, NAME, "logs", ReadWriteDatabase(kind="ReadWrite", location=LOCATION)).result()
    connection = KustoConnectionStringBuilder.with_azure_token_credential(cluster.uri, CREDENTIAL)
    client = KustoClient(connection)
    client.execute_mgmt("logs", ".create table Log (Text: string)")
    client.execute_mgmt("logs", ".alter table Log policy streamingingestion enable")
    client.execute_mgmt("logs", ".ingest inline into table Log <| one")
    properties = IngestionProperties(database="logs", table="Log")
    KustoStreamingIngestClient(connection).ingest_from_stream(io.BytesIO(b"two"), properties)

    def count():
        try:
            return client.execute_query("logs", "Log | count").primary_results[0][0]["Count"]
        except KustoServiceError:
            return "refused"

    def comes_to(wanted_count):
        end = time.monotonic() + 120
        while count() != wanted_count and time.monotonic() < end:
            pass
        return count()

    seen["rows"] = count()
    second = keys.rotate_key(KEY)
    seen["rotated"] = [*use(second), count()]
    keys.update_key_properties(KEY, second.properties.version, enabled=False)
    seen["revoked"] = comes_to("refused")
    keys.update_key_properties(KEY, second.properties.version, enabled=True)
    seen["givenBack"] = comes_to(2)
    print(json.dumps(seen))


def make_vault(principal_id):
    def policy(object_id, **permissions):
        return {"tenantId": TENANT, "objectId": object_id, "permissions": permissions}

    payload = CREDENTIAL.get_token("https://vault.azure.net/.default").token.split(".")[1]
    own_id = json.loads(base64.urlsafe_b64decode(payload + "=="))["oid"]
    properties = {
        "tenantId": TENANT,
        "sku": {"family": "A", "name": "standard"},
        "enableSoftDelete": True,
        "enablePurgeProtection": True,
        "enableRbacAuthorization": False,
        "accessPolicies": [
            policy(own_id, keys=["all"], secrets=["all"], certificates=["all"]),
            policy(principal_id, keys=["get", "wrapKey", "unwrapKey"]),
        ],
    }
    vaults = KeyVaultManagementClient(CREDENTIAL, SUBSCRIPTION).vaults
    made = vaults.begin_create_or_update(GROUP, VAULT, {"location": LOCATION, "properties": properties}).result()
    return made.properties.vault_uri


def certificate_and_secret(vault_uri):
    """Whether the secret of a certificate has it, with its key; and a secret that was deleted and is back."""
    made = CertificateClient(vault_uri, CREDENTIAL).begin_create_certificate("site", CertificatePolicy.get_default()).result()
    secrets = SecretClient(vault_uri, CREDENTIAL)
    key, certificate, _ = pkcs12.load_key_and_certificates(base64.b64decode(secrets.get_secret("site").value), None)
    is_its_key = key.public_key().public_numbers() == certificate.public_key().public_numbers()
    secrets.set_secret("greeting", "hello")
    secrets.begin_delete_secret("greeting").wait()
    secrets.begin_recover_deleted_secret("greeting").wait()
    return [is_its_key, certificate.public_bytes(Encoding.DER) == bytes(made.cer), secrets.get_secret("greeting").value]


def unwrapped(key):
    cryptography = CryptographyClient(key, CREDENTIAL)
    wrapped = cryptography.wrap_key(KeyWrapAlgorithm.rsa_oaep_256, b"k" * 32)
    return cryptography.unwrap_key(KeyWrapAlgorithm.rsa_oaep_256, wrapped.encrypted_key).key == b"k" * 32


main()
