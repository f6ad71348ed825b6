package main

import (
	"context"
	"os"

	"github.com/Azure/azure-kusto-go/azkustodata"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/resources/armresources"
	"github.com/Azure/azure-sdk-for-go/sdk/security/keyvault/azkeys"
)

const vaultScope = "https://vault.azure.net/.default"

// identity acts as the managed identity that the host gives it: as App Service or as AKS.
func identity(ctx context.Context) {
	check(os.Getenv("AZURE_CLIENT_SECRET") == "", "there is no secret of an application")
	byDefault := must(azidentity.NewDefaultAzureCredential(nil))
	credentials := map[string]azcore.TokenCredential{"DefaultAzureCredential": byDefault}
	if os.Getenv("AZURE_FEDERATED_TOKEN_FILE") != "" {
		credentials["WorkloadIdentityCredential"] = must(azidentity.NewWorkloadIdentityCredential(nil))
	} else {
		named := azidentity.ManagedIdentityCredentialOptions{ID: azidentity.ClientID(env("AZURE_CLIENT_ID"))}
		credentials["ManagedIdentityCredential"] = must(azidentity.NewManagedIdentityCredential(&named))
	}
	for name, credential := range credentials {
		said := claims(ctx, credential, vaultScope)
		check(lastPart(said["xms_mirid"]) == identityName, "%s is %v", name, lastPart(said["xms_mirid"]))
	}

	keys := must(azkeys.NewClient(vaultURI(), byDefault, nil))
	key := must(keys.GetKey(ctx, keyName, "", nil))
	check(key.Key.KID.Name() == keyName, "reads the key %s", key.Key.KID.Name())
	_, err := keys.CreateKey(ctx, "another", azkeys.CreateKeyParameters{}, nil)
	status, code := refused(err)
	check(status == 403 && code == "Forbidden", "may not create a key: %d %s", status, code)

	groups := must(armresources.NewResourceGroupsClient(env("AZURE_SUBSCRIPTION_ID"), byDefault, nil))
	group := must(groups.Get(ctx, groupName, nil))
	check(*group.Name == groupName, "as its Reader reads the resource group %s", *group.Name)
	_, err = groups.BeginDelete(ctx, groupName, nil)
	status, code = refused(err)
	check(status == 403 && code == "AuthorizationFailed", "may not delete it: %d %s", status, code)

	connection := azkustodata.NewConnectionStringBuilder(clusterURI()).WithTokenCredential(byDefault)
	client := must(azkustodata.New(connection))
	check(numberOf(ctx, client, "Log | count") == 3, "as the database's viewer counts three rows")
}
