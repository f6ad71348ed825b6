// Asks a cluster of Azure Data Explorer for a row, as on Azure.
import { Client, KustoConnectionStringBuilder } from 'azure-kusto-data';

const { KUSTODY_CLUSTER_URI, KUSTODY_DATABASE, AZURE_CLIENT_ID, AZURE_CLIENT_SECRET, AZURE_TENANT_ID } = process.env;
const connection = KustoConnectionStringBuilder.withAadApplicationKeyAuthentication(
  KUSTODY_CLUSTER_URI,
  AZURE_CLIENT_ID,
  AZURE_CLIENT_SECRET,
  AZURE_TENANT_ID,
);
const { primaryResults } = await new Client(connection).execute(KUSTODY_DATABASE, 'print answer = 6 * 7');
console.log(`The cluster answers: ${primaryResults[0].toString()}`);
