// Changes a version of a key, under `kustody run`: node change-key.client.mjs KID disable|rotate. Prints the id of the newest version.
import { ClientSecretCredential } from '@azure/identity';
import { KeyClient } from '@azure/keyvault-keys';

const {
  AZURE_CLIENT_ID: clientId = '',
  AZURE_CLIENT_SECRET: secret = '',
  AZURE_TENANT_ID: tenantId = '',
} = process.env;
const [kid = '', what = ''] = process.argv.slice(2);
const keys = new KeyClient(new URL(kid).origin, new ClientSecretCredential(tenantId, clientId, secret));
const [name = '', version = ''] = kid.split('/').slice(4);
if (what === 'disable') await keys.updateKeyProperties(name, version, { enabled: false });
else await keys.createRsaKey(name, { keySize: 2048 });
const { id } = await keys.getKey(name).catch(() => ({ id: kid }));
process.stdout.write(`${id}\n`);
