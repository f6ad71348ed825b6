package main

// What both programs speak of. A subscription of its own has it, so no name is taken.
const (
	groupName    = "go-clients"
	region       = "westeurope"
	identityName = "go-identity"
	vaultName    = "go-clients-keys"
	keyName      = "cluster-key"
	clusterName  = "goclients"
	databaseName = "Logs"
)

func vaultURI() string   { return "https://" + vaultName + ".vault.azure.net/" }
func clusterURI() string { return "https://" + clusterName + "." + region + ".kusto.windows.net" }
