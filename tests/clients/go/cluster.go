package main

import (
	"context"
	"fmt"
	"time"

	"github.com/Azure/azure-kusto-go/azkustodata"
	"github.com/Azure/azure-kusto-go/azkustodata/kql"
	"github.com/Azure/azure-kusto-go/azkustodata/value"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/resources/armresources"
	"github.com/Azure/azure-sdk-for-go/sdk/security/keyvault/azkeys"
)

// A resource of a type that has no client of its own here.
type properties = map[string]any

func (w *work) clusterID() string {
	return fmt.Sprintf("/subscriptions/%s/resourceGroups/%s/providers/Microsoft.Kusto/clusters/%s",
		w.subscription, groupName, clusterName)
}

func (w *work) put(ctx context.Context, id string, resource armresources.GenericResource) properties {
	answer := done[armresources.ClientCreateOrUpdateByIDResponse](ctx)(
		w.resources.BeginCreateOrUpdateByID(ctx, id, kustoAPI, resource, nil))
	return answer.Properties.(properties)
}

func (w *work) makeCluster(ctx context.Context) {
	w.resources = must(armresources.NewClient(w.subscription, w.credential, nil))
	made := w.put(ctx, w.clusterID(), armresources.GenericResource{
		Location: to.Ptr(region),
		SKU:      &armresources.SKU{Name: to.Ptr("Standard_E8ads_v5"), Tier: to.Ptr("Standard"), Capacity: to.Ptr[int32](2)},
		Identity: &armresources.Identity{
			Type:                   to.Ptr(armresources.ResourceIdentityTypeUserAssigned),
			UserAssignedIdentities: map[string]*armresources.IdentityUserAssignedIdentitiesValue{*w.identity.ID: {}},
		},
		Properties: properties{"enableStreamingIngest": true},
	})
	check(made["state"] == "Running" && made["uri"] == clusterURI(), "armresources makes the cluster %v", made["uri"])
	database := w.put(ctx, w.clusterID()+"/databases/"+databaseName, armresources.GenericResource{
		Location: to.Ptr(region), Kind: to.Ptr("ReadWrite"), Properties: properties{"softDeletePeriod": "P30D"},
	})
	check(database["softDeletePeriod"] == "P30D", "and a database")
	assigned := w.put(ctx, w.clusterID()+"/databases/"+databaseName+"/principalAssignments/viewer",
		armresources.GenericResource{Properties: properties{
			"principalId": *w.identity.Properties.ClientID, "principalType": "App", "role": "Viewer", "tenantId": w.tenant,
		}})
	check(assigned["role"] == "Viewer", "and the identity its viewer")
}

func (w *work) keyBody(key azkeys.ID) armresources.GenericResource {
	return armresources.GenericResource{Properties: properties{"keyVaultProperties": properties{
		"keyVaultUri": vaultURI(), "keyName": key.Name(), "keyVersion": key.Version(), "userIdentity": *w.identity.ID,
	}}}
}

// refusedWithoutPermission configures the key before the identity may use it.
func (w *work) refusedWithoutPermission(ctx context.Context, key azkeys.ID) {
	poller, err := w.resources.BeginUpdateByID(ctx, w.clusterID(), kustoAPI, w.keyBody(key), nil)
	if err == nil {
		_, err = poller.PollUntilDone(ctx, nil)
	}
	status, code := refused(err)
	check(code == "IdentityDoesNotHaveAccessToKeyVault", "without a permission the key is refused: %d %s", status, code)
}

// useKey is the article's PATCH, and waits until the cluster has the key.
func (w *work) useKey(ctx context.Context, key azkeys.ID) {
	done[armresources.ClientUpdateByIDResponse](ctx)(
		w.resources.BeginUpdateByID(ctx, w.clusterID(), kustoAPI, w.keyBody(key), nil))
	cluster := must(w.resources.GetByID(ctx, w.clusterID(), kustoAPI, nil)).Properties.(properties)
	used := cluster["keyVaultProperties"].(properties)
	check(cluster["provisioningState"] == "Succeeded" && used["keyVersion"] == key.Version(),
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
