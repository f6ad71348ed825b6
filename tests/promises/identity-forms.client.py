# A program that has been given a managed identity in one way or another: prints what each credential of it can do.
import base64
import json
import os

from azure.identity import DefaultAzureCredential, ManagedIdentityCredential, WorkloadIdentityCredential


def outcome(make):
    try:
        claims = make().get_token("https://vault.azure.net/.default").token.split(".")[1]
        return json.loads(base64.urlsafe_b64decode(claims + "=="))["xms_mirid"].split("/")[-1]
    except Exception as error:  # whatever a client says
        return str(error)


print(
    json.dumps(
        {
            "default": outcome(DefaultAzureCredential),
            "managed": outcome(lambda: ManagedIdentityCredential(client_id=os.environ["AZURE_CLIENT_ID"])),
            "workload": outcome(WorkloadIdentityCredential),
        }
    )
)
