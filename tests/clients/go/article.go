package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"strings"

	"github.com/Azure/azure-kusto-go/azkustodata"
	"github.com/Azure/azure-kusto-go/azkustodata/kql"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/authorization/armauthorization/v2"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/keyvault/armkeyvault"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/kusto/armkusto"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/msi/armmsi"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/resources/armresources"
	"github.com/Azure/azure-sdk-for-go/sdk/security/keyvault/azkeys"
)

// What the article does, once, by one application.
type work struct {
	subscription, tenant, ownID string
	credential                  azcore.TokenCredential
	vaults                      *armkeyvault.VaultsClient
	clusters                    *armkusto.ClustersClient
	keys                        *azkeys.Client
	identity                    armmsi.Identity
}

const (
	readerRole     = "acdd72a7-3385-48ef-bd42-f606fba81ae7"
	assignmentName = "6f1b7c52-8f0b-4c7e-9a43-0d4b8a3c5e11"
)

// article configures customer-managed keys as Microsoft's article says, rotates the key, and takes it away and gives it back.
func article(ctx context.Context) {
	w := signIn(ctx)
	w.makeGroupAndIdentity(ctx)
	w.makeVault(ctx)
	first := w.makeKey(ctx)
	secrets(ctx, w.credential)
	certificates(ctx, w.credential)
	w.makeCluster(ctx)
	w.refusedWithoutPermission(ctx, first)
	w.policy(ctx, armkeyvault.AccessPolicyUpdateKindAdd)
	w.useKey(ctx, first)
	client := w.data(ctx)
	w.queued(ctx, client)
	w.rotate(ctx, client, first)
	w.revoke(ctx, client)
}

func (w *work) makeGroupAndIdentity(ctx context.Context) {
	groups := must(armresources.NewResourceGroupsClient(w.subscription, w.credential, nil))
	group := must(groups.CreateOrUpdate(ctx, groupName, armresources.ResourceGroup{Location: to.Ptr(region)}, nil))
	check(*group.Properties.ProvisioningState == "Succeeded", "armresources makes a resource group")

	identities := must(armmsi.NewUserAssignedIdentitiesClient(w.subscription, w.credential, nil))
	made := must(identities.CreateOrUpdate(ctx, groupName, identityName, armmsi.Identity{Location: to.Ptr(region)}, nil))
	check(*made.Properties.PrincipalID != "", "armmsi makes a user-assigned identity")
	w.identity = made.Identity

	assignments := must(armauthorization.NewRoleAssignmentsClient(w.subscription, w.credential, nil))
	role := "/subscriptions/" + w.subscription + "/providers/Microsoft.Authorization/roleDefinitions/" + readerRole
	given := must(assignments.Create(ctx, *group.ID, assignmentName, armauthorization.RoleAssignmentCreateParameters{
		Properties: &armauthorization.RoleAssignmentProperties{
			RoleDefinitionID: to.Ptr(role),
			PrincipalID:      made.Properties.PrincipalID,
			PrincipalType:    to.Ptr(armauthorization.PrincipalTypeServicePrincipal),
		},
	}, nil))
	check(strings.HasSuffix(*given.Properties.RoleDefinitionID, readerRole), "armauthorization makes it a reader of the group")
}

func (w *work) makeVault(ctx context.Context) {
	w.vaults = must(armkeyvault.NewVaultsClient(w.subscription, w.credential, nil))
	all := armkeyvault.Permissions{
		Keys:         []*armkeyvault.KeyPermissions{to.Ptr(armkeyvault.KeyPermissionsAll)},
		Secrets:      []*armkeyvault.SecretPermissions{to.Ptr(armkeyvault.SecretPermissionsAll)},
		Certificates: []*armkeyvault.CertificatePermissions{to.Ptr(armkeyvault.CertificatePermissionsAll)},
	}
	made := done[armkeyvault.VaultsClientCreateOrUpdateResponse](ctx)(
		w.vaults.BeginCreateOrUpdate(ctx, groupName, vaultName, armkeyvault.VaultCreateOrUpdateParameters{
			Location: to.Ptr(region),
			Properties: &armkeyvault.VaultProperties{
				TenantID: to.Ptr(w.tenant),
				SKU: &armkeyvault.SKU{
					Family: to.Ptr(armkeyvault.SKUFamilyA),
					Name:   to.Ptr(armkeyvault.SKUNameStandard),
				},
				EnableSoftDelete:          to.Ptr(true),
				SoftDeleteRetentionInDays: to.Ptr[int32](7),
				EnablePurgeProtection:     to.Ptr(true),
				EnableRbacAuthorization:   to.Ptr(false),
				AccessPolicies: []*armkeyvault.AccessPolicyEntry{
					{TenantID: to.Ptr(w.tenant), ObjectID: to.Ptr(w.ownID), Permissions: &all},
				},
			},
		}, nil))
	check(*made.Properties.VaultURI == vaultURI(), "armkeyvault makes the vault %s", *made.Properties.VaultURI)
	vault := must(w.vaults.Get(ctx, groupName, vaultName, nil))
	check(*vault.Properties.EnableSoftDelete && *vault.Properties.EnablePurgeProtection,
		"the vault has soft delete and purge protection")
}

// policy gives the cluster's identity what the article says it needs, or takes it away.
func (w *work) policy(ctx context.Context, kind armkeyvault.AccessPolicyUpdateKind) {
	needed := armkeyvault.Permissions{Keys: []*armkeyvault.KeyPermissions{
		to.Ptr(armkeyvault.KeyPermissionsGet),
		to.Ptr(armkeyvault.KeyPermissionsWrapKey),
		to.Ptr(armkeyvault.KeyPermissionsUnwrapKey),
	}}
	own := w.identity.Properties.PrincipalID
	must(w.vaults.UpdateAccessPolicy(ctx, groupName, vaultName, kind, armkeyvault.VaultAccessPolicyParameters{
		Properties: &armkeyvault.VaultAccessPolicyProperties{AccessPolicies: []*armkeyvault.AccessPolicyEntry{
			{TenantID: to.Ptr(w.tenant), ObjectID: own, Permissions: &needed},
		}},
	}, nil))
	vault := must(w.vaults.Get(ctx, groupName, vaultName, nil))
	found := false
	for _, policy := range vault.Properties.AccessPolicies {
		found = found || *policy.ObjectID == *own
	}
	check(found == (kind == armkeyvault.AccessPolicyUpdateKindAdd), "an access policy of the identity: %s", kind)
}

// makeKey makes the key and uses each kind of its operations once.
func (w *work) makeKey(ctx context.Context) azkeys.ID {
	w.keys = must(azkeys.NewClient(vaultURI(), w.credential, nil))
	made := must(w.keys.CreateKey(ctx, keyName, azkeys.CreateKeyParameters{
		Kty: to.Ptr(azkeys.KeyTypeRSA), KeySize: to.Ptr[int32](2048),
	}, nil))
	version := made.Key.KID.Version()
	check(len(made.Key.N) == 256 && version != "", "azkeys makes an RSA key")

	text := []byte("text of 16 bytes")
	oaep := azkeys.KeyOperationParameters{Algorithm: to.Ptr(azkeys.EncryptionAlgorithmRSAOAEP256), Value: text}
	sealed := must(w.keys.WrapKey(ctx, keyName, version, oaep, nil))
	oaep.Value = sealed.Result
	opened := must(w.keys.UnwrapKey(ctx, keyName, version, oaep, nil))
	check(bytes.Equal(opened.Result, text) && !bytes.Contains(sealed.Result, text), "azkeys wraps and unwraps")

	digest := bytes.Repeat([]byte{7}, 32)
	signed := must(w.keys.Sign(ctx, keyName, version, azkeys.SignParameters{
		Algorithm: to.Ptr(azkeys.SignatureAlgorithmPS256), Value: digest,
	}, nil))
	verified := must(w.keys.Verify(ctx, keyName, version, azkeys.VerifyParameters{
		Algorithm: to.Ptr(azkeys.SignatureAlgorithmPS256), Digest: digest, Signature: signed.Result,
	}, nil))
	check(*verified.Value, "azkeys signs and verifies")

	backup := must(w.keys.BackupKey(ctx, keyName, nil))
	_, err := w.keys.RestoreKey(ctx, azkeys.RestoreKeyParameters{KeyBackup: backup.Value}, nil)
	status, code := refused(err)
	check(status == 409, "azkeys restores no key over one that is there: %d %s", status, code)
	return *made.Key.KID
}

func (w *work) rotate(ctx context.Context, client *azkustodata.Client, first azkeys.ID) {
	next := must(w.keys.RotateKey(ctx, keyName, nil))
	check(next.Key.KID.Version() != first.Version(), "azkeys rotates the key")
	versions := 0
	for pager := w.keys.NewListKeyPropertiesVersionsPager(keyName, nil); pager.More(); {
		versions += len(must(pager.NextPage(ctx)).Value)
	}
	check(versions == 2, "azkeys lists %d versions of it", versions)
	w.useKey(ctx, *next.Key.KID)
	check(numberOf(ctx, client, "Log | count") == 3, "the rows are answered under the new version")

	_, err := w.keys.UpdateKey(ctx, keyName, first.Version(), azkeys.UpdateKeyParameters{
		KeyAttributes: &azkeys.KeyAttributes{Enabled: to.Ptr(false)},
	}, nil)
	must(0, err)
	check(numberOf(ctx, client, "Log | count") == 3, "and go on being answered without the old one")
}

func (w *work) revoke(ctx context.Context, client *azkustodata.Client) {
	w.policy(ctx, armkeyvault.AccessPolicyUpdateKindRemove)
	said := ""
	check(within(ctx, func() bool {
		_, err := client.Query(ctx, databaseName, kql.New("Log | count"))
		if err != nil {
			said = err.Error()
		}
		return err != nil
	}), "without the permission the query is refused")
	check(strings.Contains(said, "503") && strings.Contains(said, keyName), "with a 503 that says why: %s", oneLine(said))

	w.policy(ctx, armkeyvault.AccessPolicyUpdateKindAdd)
	check(within(ctx, func() bool {
		_, err := client.Query(ctx, databaseName, kql.New("Log | count"))
		return err == nil
	}), "with the permission given back the query is answered")
	check(numberOf(ctx, client, "Log | count") == 3, "and no row is missing")
}

func signIn(ctx context.Context) *work {
	w := &work{subscription: env("AZURE_SUBSCRIPTION_ID"), tenant: env("AZURE_TENANT_ID")}
	id, secret := env("AZURE_CLIENT_ID"), env("AZURE_CLIENT_SECRET")
	bySecret := must(azidentity.NewClientSecretCredential(w.tenant, id, secret, nil))
	said := claims(ctx, bySecret, "https://management.azure.com/.default")
	check(said["appid"] == id, "ClientSecretCredential signs in")
	w.ownID = said["oid"].(string)
	byDefault := must(azidentity.NewDefaultAzureCredential(nil))
	check(claims(ctx, byDefault, vaultScope)["oid"] == w.ownID, "DefaultAzureCredential is the same application")
	w.credential = byCertificate(ctx, bySecret, w.tenant)
	w.ownID = claims(ctx, w.credential, vaultScope)["oid"].(string)
	return w
}

func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

// zipped is how rows are streamed: azkustodata says that they are, and leaves it to its caller.
func zipped(text string) *bytes.Buffer {
	var buffer bytes.Buffer
	writer := gzip.NewWriter(&buffer)
	must(writer.Write([]byte(text)))
	must(0, writer.Close())
	return &buffer
}
