// Disables a version of a key: node disable-key.client.mjs KID, under `kustody run`.
import { ClientSecretCredential } from '@azure/identity';
import { KeyClient } from '@azure/keyvault-keys';

const {
  AZURE_CLIENT_ID: clientId = '',
  AZURE_CLIENT_SECRET: secret = '',
  AZURE_TENANT_ID: tenantId = '',
} = process.env;
const key = process.argv[2] ?? '';
const keys = new KeyClient(new URL(key).origin, new ClientSecretCredential(tenantId, clientId, secret));
await keys.updateKeyProperties(key.split('/')[4] ?? '', key.split('/')[5] ?? '', { enabled: false });
