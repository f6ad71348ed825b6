# MongoDB's client-side encryption as a driver runs it, with a file for the database: libmongocrypt writes the requests to Entra ID
# and Key Vault, and reads the answers itself. What comes on standard input says what to do; what came of it goes out as JSON.
import json
import socket
import ssl
import sys

import bson
from bson.binary import Binary
from pymongocrypt.errors import MongoCryptError
from pymongocrypt.mongocrypt import MongoCryptOptions
from pymongocrypt.synchronous.explicit_encrypter import ExplicitEncrypter
from pymongocrypt.synchronous.state_machine import MongoCryptCallback

asked = json.load(sys.stdin)
text = "a secret of the application's"


class Driver(MongoCryptCallback):
    def __init__(self, keys):
        self.keys = keys
        self.tls = ssl.create_default_context(cafile=asked["caFile"])

    def kms_request(self, kms_context):
        host = kms_context.endpoint.partition(":")[0]
        with socket.create_connection(("127.0.0.1", asked["port"])) as plain:
            with self.tls.wrap_socket(plain, server_hostname=host) as connection:
                connection.sendall(kms_context.message)
                while kms_context.bytes_needed > 0:
                    received = connection.recv(kms_context.bytes_needed)
                    if not received:
                        raise OSError("the answer broke off")
                    kms_context.feed(received)

    def fetch_keys(self, filter):
        return iter(self.keys)

    def insert_data_key(self, data_key):
        self.keys.append(bytes(data_key))
        return bson.decode(data_key)["_id"]

    def bson_encode(self, doc):
        return bson.encode(doc)

    def collection_info(self, database, filter):
        raise NotImplementedError("there is no database")

    def mark_command(self, database, cmd):
        raise NotImplementedError("there is no database")

    def close(self):
        pass


def master_key(name):
    return {"keyVaultEndpoint": asked["vault"], "keyName": name}


def run(driver, encrypter):
    if asked["do"] == "create":
        key_id = encrypter.create_data_key("azure", master_key(asked["key"]))
        algorithm = "AEAD_AES_256_CBC_HMAC_SHA_512-Random"
        sealed = encrypter.encrypt(bson.encode({"v": text}), algorithm, key_id=bytes(key_id))
        return {"sealed": bytes(sealed).hex()}
    if asked["do"] == "open":
        return {"opened": bson.decode(encrypter.decrypt(bytes.fromhex(asked["sealed"])))["v"] == text}
    rewrapped = bson.decode(encrypter.rewrap_many_data_key({}, "azure", master_key(asked["key"])))["v"]
    known = {bytes(bson.decode(key)["_id"]): bson.decode(key) for key in driver.keys}
    driver.keys = [bson.encode({**known[bytes(Binary(new["_id"]))], **new}) for new in rewrapped]
    return {"keyNames": [new["masterKey"]["keyName"] for new in rewrapped]}


driver = Driver([bytes.fromhex(key) for key in asked.get("keys", [])])
encrypter = ExplicitEncrypter(driver, MongoCryptOptions({"azure": asked["azure"]}))
try:
    outcome = run(driver, encrypter)
except MongoCryptError as error:
    outcome = {"failed": str(error)}
print(json.dumps({**outcome, "keys": [bytes(key).hex() for key in driver.keys]}))
