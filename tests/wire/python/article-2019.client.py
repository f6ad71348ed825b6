"""The article with the Python clients of its time: ADAL and msrestazure for signing in, azure-mgmt-kusto 0.5, azure-mgmt-keyvault 2,
azure-keyvault 1 and azure-kusto-data 0.0.

Runs under `kustody run` and prints one JSON object of what it saw.
"""
import inspect
import json
import os
import time

inspect.getargspec = inspect.getfullargspec  # azure-keyvault 1 calls it, and Python has it no more since 3.11

import adal
from azure.keyvault import KeyVaultClient
from azure.keyvault.models import KeyAttributes
from azure.kusto.data.exceptions import KustoServiceError
from azure.kusto.data.request import KustoClient, KustoConnectionStringBuilder
from azure.mgmt.keyvault import KeyVaultManagementClient
from azure.mgmt.keyvault.models import AccessPolicyEntry, Permissions, Sku, VaultCreateOrUpdateParameters, VaultProperties
from azure.mgmt.kusto import KustoManagementClient
from azure.mgmt.kusto.models import AzureSku, Cluster, ClusterUpdate, Identity, KeyVaultProperties, ReadWriteDatabase
from azure.mgmt.resource import ResourceManagementClient
from msrestazure.azure_active_directory import AdalAuthentication, ServicePrincipalCredentials
from msrestazure.azure_exceptions import CloudError

TENANT = os.environ["AZURE_TENANT_ID"]
SUBSCRIPTION = os.environ["AZURE_SUBSCRIPTION_ID"]
CLIENT = os.environ["AZURE_CLIENT_ID"]
SECRET = os.environ["AZURE_CLIENT_SECRET"]
LOCATION, GROUP, NAME, VAULT, KEY = "westus2", "rg-2019", "cluster2019", "vault-2019", "cluster-key"
CONTEXT = adal.AuthenticationContext("https://login.microsoftonline.com/" + TENANT)


def token(resource):
    return CONTEXT.acquire_token_with_client_credentials(resource, CLIENT, SECRET)


def refusal(call):
    try:
        call()
    except CloudError as error:
        return [error.status_code, error.error.error]
    return [200, "none"]


def main():
    arm = AdalAuthentication(lambda: token("https://management.core.windows.net/"))
    ResourceManagementClient(arm, SUBSCRIPTION).resource_groups.create_or_update(GROUP, {"location": LOCATION})
    kusto = KustoManagementClient(arm, SUBSCRIPTION)
    wanted = Cluster(location=LOCATION, sku=AzureSku(name="Standard_D13_v2", tier="Standard", capacity=2))
    kusto.clusters.create_or_update(GROUP, NAME, wanted).result()
    seen = {"default": kusto.clusters.get(GROUP, NAME).key_vault_properties}

    vaults = KeyVaultManagementClient(arm, SUBSCRIPTION).vaults

    def put_vault(policies):
        properties = VaultProperties(
            tenant_id=TENANT,
            sku=Sku(name="standard"),
            access_policies=policies,
            enable_soft_delete=True,
            enable_purge_protection=True,
        )
        return vaults.create_or_update(GROUP, VAULT, VaultCreateOrUpdateParameters(location=LOCATION, properties=properties)).result()

    def policy(object_id, *permissions):
        return AccessPolicyEntry(tenant_id=TENANT, object_id=object_id, permissions=Permissions(keys=list(permissions)))

    own = policy(object_id_of_caller(), "get", "create", "update", "list", "wrapKey", "unwrapKey")
    vault_uri = put_vault([own]).properties.vault_uri
    keys = KeyVaultClient(ServicePrincipalCredentials(CLIENT, SECRET, tenant=TENANT, resource="https://vault.azure.net"))
    first = version(keys.create_key(vault_uri, KEY, "RSA", key_size=2048))
    wrapped = keys.wrap_key(vault_uri, KEY, first, "RSA-OAEP", b"k" * 32)
    seen["unwrapped"] = keys.unwrap_key(vault_uri, KEY, first, "RSA-OAEP", wrapped.result).result == b"k" * 32

    def use(key_version, name=KEY):
        properties = KeyVaultProperties(key_name=name, key_version=key_version, key_vault_uri=vault_uri)
        return kusto.clusters.update(GROUP, NAME, ClusterUpdate(key_vault_properties=properties)).result()

    seen["noIdentity"] = refusal(lambda: use(first))
    updated = kusto.clusters.update(GROUP, NAME, ClusterUpdate(identity=Identity(type="SystemAssigned"))).result()
    seen["noAccess"] = refusal(lambda: use(first))
    put_vault([own, policy(updated.identity.principal_id, "get", "wrapKey", "unwrapKey")])
    seen["noKey"] = refusal(lambda: use(first, "no-such-key"))
    cluster = use(first)
    seen["configured"] = [cluster.provisioning_state, cluster.key_vault_properties.key_version == first]

    kusto.databases.create_or_update(GROUP, NAME, "logs", ReadWriteDatabase(location=LOCATION)).result()
    connection = KustoConnectionStringBuilder.with_aad_application_key_authentication(cluster.uri, CLIENT, SECRET, TENANT)
    client = KustoClient(connection)
    client.execute("logs", ".create table Log (Text: string)")
    client.execute("logs", ".ingest inline into table Log <| one\ntwo")

    def count():
        try:
            return client.execute("logs", "Log | count").primary_results[0][0]["Count"]
        except KustoServiceError:
            return "refused"

    def comes_to(wanted):
        end = time.monotonic() + 120
        while count() != wanted and time.monotonic() < end:
            pass
        return count()

    seen["rows"] = count()
    second = version(keys.create_key(vault_uri, KEY, "RSA", key_size=2048))
    cluster = use(second)
    seen["rotated"] = [cluster.provisioning_state, cluster.key_vault_properties.key_version == second, count()]
    keys.update_key(vault_uri, KEY, second, key_attributes=KeyAttributes(enabled=False))
    seen["revoked"] = comes_to("refused")
    keys.update_key(vault_uri, KEY, second, key_attributes=KeyAttributes(enabled=True))
    seen["givenBack"] = comes_to(2)
    print(json.dumps(seen))


def object_id_of_caller():
    import base64
    part = token("https://vault.azure.net")["accessToken"].split(".")[1]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))["oid"]


def version(bundle):
    return bundle.key.kid.split("/")[-1]


main()
