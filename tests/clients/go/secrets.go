package main

import (
	"context"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/security/keyvault/azsecrets"
)

// secrets keeps one, lists it, deletes it and takes it back.
func secrets(ctx context.Context, credential azcore.TokenCredential) {
	const name, value = "connection", "of a Go program"
	client := must(azsecrets.NewClient(vaultURI(), credential, nil))
	set := must(client.SetSecret(ctx, name, azsecrets.SetSecretParameters{
		Value: to.Ptr(value), ContentType: to.Ptr("text/plain"),
	}, nil))
	got := must(client.GetSecret(ctx, name, set.ID.Version(), nil))
	check(*got.Value == value && *got.ContentType == "text/plain", "azsecrets keeps a secret")

	listed := 0
	for pager := client.NewListSecretPropertiesPager(nil); pager.More(); {
		listed += len(must(pager.NextPage(ctx)).Value)
	}
	check(listed == 1, "azsecrets lists it")

	must(client.DeleteSecret(ctx, name, nil))
	check(within(ctx, func() bool {
		_, err := client.GetDeletedSecret(ctx, name, nil)
		return err == nil
	}), "azsecrets deletes it")
	_, err := client.PurgeDeletedSecret(ctx, name, nil)
	status, code := refused(err)
	check(status == 403, "which purge protection keeps: %d %s", status, code)
	must(client.RecoverDeletedSecret(ctx, name, nil))
	check(within(ctx, func() bool {
		back, err := client.GetSecret(ctx, name, "", nil)
		return err == nil && *back.Value == value
	}), "azsecrets takes it back")
}
