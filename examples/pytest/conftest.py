"""A Kustody for a pytest session: copy this file beside your tests.

Needs `kustody` on the PATH. Every official Azure client in the test process comes to Kustody by itself: the fixture sets what
`kustody env` says (a proxy, a root certificate, credentials for DefaultAzureCredential), and takes it back at the end.
"""

import json
import os
import subprocess
import time
from dataclasses import dataclass

import pytest


@dataclass(frozen=True)
class Kustody:
    cluster_uri: str
    database: str
    vault_uri: str
    key_id: str
    data_directory: str


def _environment(directory):
    """What `kustody env` says; None while it does not run yet."""
    found = subprocess.run(["kustody", "env", "--data", directory, "--format", "json"], capture_output=True, text=True)
    return json.loads(found.stdout) if found.returncode == 0 else None


@pytest.fixture(scope="session")
def kustody(tmp_path_factory):
    """A seeded instance on free ports: a cluster under a key of its own vault, and a database."""
    directory = str(tmp_path_factory.mktemp("kustody") / "data")
    log_path = directory + ".log"
    with open(log_path, "wb") as log:
        server = subprocess.Popen(
            ["kustody", "up", "--data", directory, "--seed", "--port", "0", "--kusto-port", "0", "--proxy-port", "0"],
            stdout=log,
            stderr=log,
        )
    before = dict(os.environ)
    try:
        deadline = time.monotonic() + 120
        while (environment := _environment(directory)) is None:
            if server.poll() is not None or time.monotonic() > deadline:
                with open(log_path, encoding="utf-8") as log:
                    raise RuntimeError("Kustody did not start:\n" + log.read()[-4000:])
            time.sleep(0.2)
        for name, value in environment.items():
            if value is None:  # it would lead clients elsewhere
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        yield Kustody(
            cluster_uri=environment["KUSTODY_CLUSTER_URI"],
            database=environment["KUSTODY_DATABASE"],
            vault_uri=environment["KUSTODY_VAULT_URI"],
            key_id=environment["KUSTODY_KEY_ID"],
            data_directory=directory,
        )
    finally:
        os.environ.clear()
        os.environ.update(before)
        server.terminate()
        try:
            server.wait(timeout=30)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()
