"""Writes or reads a blob with the client-side encryption of the Azure Storage SDK. One JSON object on standard input says what."""

import base64
import json
import sys

from azure.storage.blob import BlobClient
from cryptography.hazmat.primitives.keywrap import aes_key_unwrap, aes_key_wrap


class Key:
    def __init__(self, kid, key):
        self.kid, self.key = kid, key

    def wrap_key(self, key):
        return aes_key_wrap(self.key, key)

    def unwrap_key(self, key, algorithm):
        assert algorithm == "A256KW", algorithm
        return aes_key_unwrap(self.key, key)

    def get_kid(self):
        return self.kid

    def get_key_wrap_algorithm(self):
        return "A256KW"


task = json.load(sys.stdin)
client = BlobClient.from_connection_string(
    task["connectionString"],
    "sealed",
    task["blob"],
    require_encryption=True,
    encryption_version="2.0",
    key_encryption_key=Key(task["keyId"], base64.b64decode(task["key"])),
)
if "plaintext" in task:
    client.upload_blob(base64.b64decode(task["plaintext"]))
else:
    sys.stdout.write(base64.b64encode(client.download_blob().readall()).decode())
