// Asks a cluster who used which key when, then takes its key away: prints what it was told before and after.
import { ClientSecretCredential } from '@azure/identity';
import { KeyClient } from '@azure/keyvault-keys';
import { Client, KustoConnectionStringBuilder } from 'azure-kusto-data';

const {
  AZURE_CLIENT_ID: clientId = '',
  AZURE_CLIENT_SECRET: secret = '',
  AZURE_TENANT_ID: tenantId = '',
  KUSTODY_CLUSTER_URI: cluster = '',
  KUSTODY_KEY_ID: key = '',
} = process.env;
const kusto = new Client(
  KustoConnectionStringBuilder.withAadApplicationKeyAuthentication(cluster, clientId, secret, tenantId),
);
const rowsOf = async (query) => (await kusto.execute('audit', query)).primaryResults[0].toJSON().data;
const name = key.split('/')[4] ?? '';
const used = await rowsOf(`AZKVAuditLogs
  | where OperationName in ("KeyWrap", "KeyUnwrap") and Id has "/keys/"
  | extend Who = tostring(Identity.claim.appid)
  | summarize Times = count(), Last = max(TimeGenerated) by Who, Key = tostring(split(Id, "/")[4]), ResultSignature`);
const made = await rowsOf(`AzureActivity
  | where OperationNameValue =~ "Microsoft.Kusto/clusters/write"
  | summarize Statuses = make_set(ActivityStatusValue) by Caller, OperationId`);
const total = await rowsOf(
  'union AZKVAuditLogs, AzureActivity | summarize Rows = count(), Events = count_distinct(_Sequence)',
);
await new KeyClient(new URL(key).origin, new ClientSecretCredential(tenantId, clientId, secret)).updateKeyProperties(
  name,
  {
    enabled: false,
  },
);
const revoked = await rowsOf('AZKVAuditLogs | count').then(
  () => 'answered',
  (error) => String(error.message),
);
console.log(JSON.stringify({ clientId, name, used, made, total, revoked }));
process.exit(0);
