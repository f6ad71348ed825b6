# An ordinary program: azure-identity as it comes, told nothing of where Entra ID is.
import json
import os
import sys
from pathlib import Path

from azure.core.exceptions import ClientAuthenticationError
from azure.identity import ClientAssertionCredential, DefaultAzureCredential, WorkloadIdentityCredential

tenant, client_id, token_file, other_file = sys.argv[1:5]
scope = "https://vault.azure.net/.default"


def outcome(credential):
    try:
        return {"token": credential.get_token(scope).token}
    except ClientAuthenticationError as error:
        return {"message": str(error)}


# As a pod of AKS is told of its identity.
os.environ.update(
    {
        "AZURE_TENANT_ID": tenant,
        "AZURE_CLIENT_ID": client_id,
        "AZURE_FEDERATED_TOKEN_FILE": token_file,
        "AZURE_AUTHORITY_HOST": "https://login.microsoftonline.com/",
    }
)
print(
    json.dumps(
        {
            "workload": outcome(WorkloadIdentityCredential()),
            "default": outcome(DefaultAzureCredential()),
            "assertion": outcome(ClientAssertionCredential(tenant, client_id, Path(token_file).read_text)),
            "other": outcome(ClientAssertionCredential(tenant, client_id, Path(other_file).read_text)),
        }
    )
)
