# A service in the middle: azure-identity as it comes, told nothing of where Entra ID is.
import json
import sys

from azure.core.exceptions import ClientAuthenticationError
from azure.identity import OnBehalfOfCredential

tenant, client_id, secret, *user_tokens = sys.argv[1:]
outcomes = []
for token in user_tokens:
    credential = OnBehalfOfCredential(tenant, client_id, client_secret=secret, user_assertion=token)
    try:
        outcomes.append({"token": credential.get_token("https://vault.azure.net/.default").token})
    except ClientAuthenticationError as error:
        outcomes.append({"message": str(error)})
print(json.dumps(outcomes))
