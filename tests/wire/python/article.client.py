"""The article with Python clients: ADAL for signing in, azure-mgmt-kusto and azure-mgmt-keyvault, azure-keyvault-keys.

Runs under `kustody run` and prints one JSON object of what it saw.
"""
import json
import os
import time

import adal
from azure.core.credentials import AccessToken
from azure.core.exceptions import HttpResponseError
from azure.keyvault.keys import KeyClient
from azure.mgmt.keyvault import KeyVaultManagementClient
from azure.mgmt.keyvault.models import AccessPolicyEntry, Permissions, Sku, VaultCreateOrUpdateParameters, VaultProperties
from azure.mgmt.kusto import KustoManagementClient
from azure.mgmt.kusto.models import AzureSku, Cluster, ClusterUpdate, Identity, KeyVaultProperties
from azure.mgmt.resource.resources import ResourceManagementClient

TENANT = os.environ["AZURE_TENANT_ID"]
SUBSCRIPTION = os.environ["AZURE_SUBSCRIPTION_ID"]
CLIENT = os.environ["AZURE_CLIENT_ID"]
SECRET = os.environ["AZURE_CLIENT_SECRET"]


class AdalCredential:
    """Tokens by ADAL, as programs of the article's time had them."""

    def __init__(self):
        self._context = adal.AuthenticationContext(f"https://login.microsoftonline.com/{TENANT}")

    def get_token(self, *scopes, **_options):
        resource = scopes[0].removesuffix("/.default")
        found = self._context.acquire_token_with_client_credentials(resource, CLIENT, SECRET)
        return AccessToken(found["accessToken"], int(time.time()) + int(found["expiresIn"]))


def refusal(call):
    try:
        call()
    except HttpResponseError as error:
        return {"status": error.status_code, "code": error.error.code, "message": error.error.message}
    return {"status": 200, "code": "none", "message": ""}


def main():
    credential = AdalCredential()
    group, name, vault_name, key_name = "rg-python", "pythoncluster", "python-vault", "cluster-key"
    ResourceManagementClient(credential, SUBSCRIPTION).resource_groups.create_or_update(group, {"location": "westus2"})
    kusto = KustoManagementClient(credential, SUBSCRIPTION)
    sku = AzureSku(name="Standard_E2ads_v5", tier="Standard", capacity=2)
    kusto.clusters.begin_create_or_update(group, name, Cluster(location="westus2", sku=sku)).result()
    seen = {"default": kusto.clusters.get(group, name).key_vault_properties}

    vaults = KeyVaultManagementClient(credential, SUBSCRIPTION).vaults
    me = json.loads(_payload(credential.get_token("https://vault.azure.net/.default").token))["oid"]

    def put_vault(policies):
        properties = VaultProperties(
            tenant_id=TENANT,
            sku=Sku(family="A", name="standard"),
            access_policies=policies,
            enable_rbac_authorization=False,
            enable_soft_delete=True,
            enable_purge_protection=True,
        )
        parameters = VaultCreateOrUpdateParameters(location="westus2", properties=properties)
        return vaults.begin_create_or_update(group, vault_name, parameters).result()

    def policy(object_id, *permissions):
        return AccessPolicyEntry(tenant_id=TENANT, object_id=object_id, permissions=Permissions({"keys": list(permissions)}))

    own = policy(me, "get", "create", "update", "list")
    vault_uri = put_vault([own]).properties.vault_uri
    keys = KeyClient(vault_uri, credential)
    first = keys.create_rsa_key(key_name, size=2048)

    def use(version, key=key_name):
        properties = KeyVaultProperties(key_name=key, key_version=version, key_vault_uri=vault_uri)
        return kusto.clusters.begin_update(group, name, ClusterUpdate(key_vault_properties=properties)).result()

    seen["noIdentity"] = refusal(lambda: use(first.properties.version))
    updated = kusto.clusters.begin_update(group, name, ClusterUpdate(identity=Identity(type="SystemAssigned"))).result()
    seen["noAccess"] = refusal(lambda: use(first.properties.version))
    theirs = policy(updated.identity.principal_id, "get", "wrapKey", "unwrapKey", "recover")
    put_vault([own, theirs])
    seen["noKey"] = refusal(lambda: use(first.properties.version, "no-such-key"))
    cluster = use(first.properties.version)
    seen["configured"] = [cluster.provisioning_state, cluster.key_vault_properties.key_version == first.properties.version]
    second = keys.create_rsa_key(key_name, size=2048)
    cluster = use(second.properties.version)
    seen["rotated"] = [cluster.provisioning_state, cluster.key_vault_properties.key_version == second.properties.version]
    print(json.dumps(seen))


def _payload(token):
    import base64
    part = token.split(".")[1]
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


main()
