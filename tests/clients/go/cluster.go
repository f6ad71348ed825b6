package main

import (
	"context"
	"fmt"
	"time"

	"github.com/Azure/azure-kusto-go/azkustodata"
	"github.com/Azure/azure-kusto-go/azkustodata/kql"
	"github.com/Azure/azure-kusto-go/azkustodata/value"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/kusto/armkusto"
	"github.com/Azure/azure-sdk-for-go/sdk/security/keyvault/azkeys"
)

func (w *work) makeCluster(ctx context.Context) {
	w.clusters = must(armkusto.NewClustersClient(w.subscription, w.credential, nil))
	wanted := armkusto.ClusterCheckNameRequest{Name: to.Ptr(clusterName), Type: to.Ptr("Microsoft.Kusto/clusters")}
	free := must(w.clusters.CheckNameAvailability(ctx, region, wanted, nil))
	check(*free.NameAvailable, "armkusto finds the cluster's name free")
	made := done[armkusto.ClustersClientCreateOrUpdateResponse](ctx)(
		w.clusters.BeginCreateOrUpdate(ctx, groupName, clusterName, armkusto.Cluster{
			Location: to.Ptr(region),
			SKU: &armkusto.AzureSKU{
				Name:     to.Ptr(armkusto.AzureSKUNameStandardE8AdsV5),
				Tier:     to.Ptr(armkusto.AzureSKUTierStandard),
				Capacity: to.Ptr[int32](2),
			},
			Identity: &armkusto.Identity{
				Type: to.Ptr(armkusto.IdentityTypeUserAssigned),
				UserAssignedIdentities: map[string]*armkusto.ComponentsSgqdofSchemasIdentityPropertiesUserassignedidentitiesAdditionalproperties{
					*w.identity.ID: {},
				},
			},
			Properties: &armkusto.ClusterProperties{EnableStreamingIngest: to.Ptr(true)},
		}, nil)).Properties
	check(*made.State == armkusto.StateRunning && *made.URI == clusterURI(), "armkusto makes the cluster %s", *made.URI)
	taken := must(w.clusters.CheckNameAvailability(ctx, region, wanted, nil))
	check(!*taken.NameAvailable, "whose name is taken then: %s", *taken.Message)

	databases := must(armkusto.NewDatabasesClient(w.subscription, w.credential, nil))
	database := done[armkusto.DatabasesClientCreateOrUpdateResponse](ctx)(
		databases.BeginCreateOrUpdate(ctx, groupName, clusterName, databaseName, &armkusto.ReadWriteDatabase{
			Location: to.Ptr(region), Kind: to.Ptr(armkusto.KindReadWrite),
			Properties: &armkusto.ReadWriteDatabaseProperties{SoftDeletePeriod: to.Ptr("P30D")},
		}, nil)).DatabaseClassification.(*armkusto.ReadWriteDatabase)
	check(*database.Properties.SoftDeletePeriod == "P30D", "and a database")
	assignments := must(armkusto.NewDatabasePrincipalAssignmentsClient(w.subscription, w.credential, nil))
	assigned := done[armkusto.DatabasePrincipalAssignmentsClientCreateOrUpdateResponse](ctx)(
		assignments.BeginCreateOrUpdate(ctx, groupName, clusterName, databaseName, "viewer", armkusto.DatabasePrincipalAssignment{
			Properties: &armkusto.DatabasePrincipalProperties{
				PrincipalID: w.identity.Properties.ClientID, PrincipalType: to.Ptr(armkusto.PrincipalTypeApp),
				Role: to.Ptr(armkusto.DatabasePrincipalRoleViewer), TenantID: to.Ptr(w.tenant),
			},
		}, nil)).Properties
	check(*assigned.Role == armkusto.DatabasePrincipalRoleViewer && *assigned.AADObjectID == *w.identity.Properties.PrincipalID,
		"and the identity its viewer")
}

func (w *work) keyBody(key azkeys.ID) armkusto.ClusterUpdate {
	return armkusto.ClusterUpdate{Properties: &armkusto.ClusterProperties{KeyVaultProperties: &armkusto.KeyVaultProperties{
		KeyVaultURI: to.Ptr(vaultURI()), KeyName: to.Ptr(key.Name()), KeyVersion: to.Ptr(key.Version()), UserIdentity: w.identity.ID,
	}}}
}

// refusedWithoutPermission configures the key before the identity may use it.
func (w *work) refusedWithoutPermission(ctx context.Context, key azkeys.ID) {
	poller, err := w.clusters.BeginUpdate(ctx, groupName, clusterName, w.keyBody(key), nil)
	if err == nil {
		_, err = poller.PollUntilDone(ctx, nil)
	}
	status, code := refused(err)
	check(code == "IdentityDoesNotHaveAccessToKeyVault", "without a permission the key is refused: %d %s", status, code)
}

// useKey is the article's PATCH, and waits until the cluster has the key.
func (w *work) useKey(ctx context.Context, key azkeys.ID) {
	done[armkusto.ClustersClientUpdateResponse](ctx)(
		w.clusters.BeginUpdate(ctx, groupName, clusterName, w.keyBody(key), nil))
	cluster := must(w.clusters.Get(ctx, groupName, clusterName, nil)).Properties
	used := *cluster.KeyVaultProperties.KeyVersion
	check(*cluster.ProvisioningState == armkusto.ProvisioningStateSucceeded && used == key.Version(),
		"the cluster's provisioningState is Succeeded with this version of the key")
}

// data makes a table, takes rows in by streaming, and asks for them.
func (w *work) data(ctx context.Context) *azkustodata.Client {
	connection := azkustodata.NewConnectionStringBuilder(clusterURI()).WithTokenCredential(w.credential)
	client := must(azkustodata.New(connection))
	must(client.Mgmt(ctx, databaseName, kql.New(".create table Log (When: datetime, Level: string, Number: long)")))
	table := must(client.Mgmt(ctx, databaseName, kql.New(".show tables"))).Tables()[0]
	name := must(table.Rows()[0].StringByName("TableName"))
	check(name == "Log", "azkustodata's Mgmt makes the table %s", name)

	must(client.Mgmt(ctx, databaseName, kql.New(".alter table Log policy streamingingestion enable")))
	stream := must(azkustodata.NewConn(clusterURI(), client.Auth(), client.HttpClient(), client.ClientDetails()))
	rows := zipped("2026-01-01T00:00:00Z,Info,1\n2026-01-02T00:00:00Z,Error,2\n2026-01-03T00:00:00Z,Info,39\n")
	must(0, stream.StreamIngest(ctx, databaseName, "Log", rows, csv{}, "", "", false))
	check(numberOf(ctx, client, "Log | count") == 3, "azkustodata streams three rows in")
	check(numberOf(ctx, client, "Log | summarize sum(Number)") == 42, "and Query sums them up")

	parameters := kql.NewParameters().AddString("wanted", "Info").AddDateTime("since", time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC))
	found := must(client.Query(ctx, databaseName, kql.New("Log | where Level == wanted and When >= since"),
		azkustodata.QueryParameters(parameters))).Tables()[0].Rows()
	check(len(found) == 1, "parameters of a query are bound")
	var log struct {
		When   time.Time
		Level  string
		Number int64
	}
	must(0, found[0].ToStruct(&log))
	check(log.Level == "Info" && log.Number == 39 && log.When.Day() == 3, "a row becomes a struct of its types")

	_, err := client.Query(ctx, databaseName, kql.New("Log | where Nowhere == 1"))
	check(err != nil, "a query that is wrong is refused: %s", oneLine(fmt.Sprint(err)))
	return client
}

// csv is how azkustodata wants to be told a format: its module for ingestion has the list.
type csv struct{}

func (csv) CamelCase() string                                    { return "Csv" }
func (f csv) KnownOrDefault() azkustodata.DataFormatForStreaming { return f }

// numberOf is the only number of an answer, read as it arrives.
func numberOf(ctx context.Context, client *azkustodata.Client, text string) int64 {
	answer := must(client.IterativeQuery(ctx, databaseName, kql.New("").AddUnsafe(text)))
	defer answer.Close()
	number := int64(-1)
	for result := range answer.Tables() {
		must(0, result.Err())
		for row := range result.Table().Rows() {
			must(0, row.Err())
			if long, isLong := row.Row().Values()[0].(*value.Long); isLong && result.Table().IsPrimaryResult() {
				number = *long.Ptr()
			}
		}
	}
	return number
}
