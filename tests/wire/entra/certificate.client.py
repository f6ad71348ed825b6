# An ordinary program: azure-identity as it comes, told nothing of where Entra ID is.
import json
import sys

from azure.core.exceptions import ClientAuthenticationError
from azure.identity import CertificateCredential

tenant, client_id, certificate_path, other_path = sys.argv[1:5]


def outcome(credential, scope):
    try:
        return {"token": credential.get_token(scope).token}
    except ClientAuthenticationError as error:
        return {"message": str(error)}


own = CertificateCredential(tenant, client_id, certificate_path)
chain = CertificateCredential(tenant, client_id, certificate_path, send_certificate_chain=True)
other = CertificateCredential(tenant, client_id, other_path)
print(
    json.dumps(
        {
            "vault": outcome(own, "https://vault.azure.net/.default"),
            "arm": outcome(own, "https://management.azure.com/.default"),
            "chain": outcome(chain, "https://vault.azure.net/.default"),
            "other": outcome(other, "https://vault.azure.net/.default"),
        }
    )
)
