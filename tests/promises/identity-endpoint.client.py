# A program that has been given a managed identity, with what every client of Azure begins with.
import os

from azure.identity import DefaultAzureCredential
from azure.keyvault.keys import KeyClient

print(KeyClient(os.environ["KUSTODY_VAULT_URI"], DefaultAzureCredential()).get_key("telemetry-key").name)
