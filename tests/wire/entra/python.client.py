# Ordinary programs: ADAL and MSAL, unchanged, told nothing of where Entra ID is.
import json
import sys

import adal
import msal

tenant, client_id, secret = sys.argv[1:4]
authority = "https://login.microsoftonline.com/"


def adal_token(password):
    context = adal.AuthenticationContext(authority + tenant)
    try:
        answer = context.acquire_token_with_client_credentials("https://management.core.windows.net/", client_id, password)
        return {"token": answer["accessToken"]}
    except adal.AdalError as error:
        return {"message": str(error)}


def msal_token(name, password):
    app = msal.ConfidentialClientApplication(client_id, client_credential=password, authority=authority + name)
    answer = app.acquire_token_for_client(["https://management.core.windows.net//.default"])
    return {"token": answer.get("access_token"), "message": answer.get("error_description")}


print(
    json.dumps(
        {
            "adal": adal_token(secret),
            "adalWrong": adal_token("wrong"),
            "msal": msal_token(tenant, secret),
            "msalDomain": msal_token("kustody.onmicrosoft.com", secret),
            "msalWrong": msal_token(tenant, "wrong"),
        }
    )
)
