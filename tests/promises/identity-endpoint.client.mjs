// A program that has been given a managed identity: prints what it can do, and what not.
import { randomUUID } from 'node:crypto';
import { DefaultAzureCredential, ManagedIdentityCredential } from '@azure/identity';
import { KeyClient } from '@azure/keyvault-keys';

const { KUSTODY_VAULT_URI: vault = '', IDENTITY_ENDPOINT: endpoint = '', IDENTITY_HEADER: header = '' } = process.env;
const { fetch, URLSearchParams } = globalThis;
const said = (promise) =>
  promise.then(
    (value) => value,
    (error) => `${error.statusCode ?? ''} ${error.message}`.trim(),
  );
const ask = async (query, headers) => {
  const answer = await fetch(`${endpoint}?${new URLSearchParams(query)}`, { headers });
  return { status: answer.status, ...(await answer.json()) };
};
const resource = 'https://vault.azure.net';
const clientId = process.env.AZURE_CLIENT_ID ?? '';
const keys = new KeyClient(vault, new DefaultAzureCredential());
const { token } = await new DefaultAzureCredential().getToken(`${resource}/.default`);
const claims = JSON.parse(Buffer.from(token.split('.')[1], 'base64url'));
const asked = { 'api-version': '2019-08-01', resource };
console.log(
  JSON.stringify({
    hasSecret: process.env.AZURE_CLIENT_SECRET !== undefined,
    isIdentity: claims.appid === clientId && claims.xms_mirid.split('/').at(-1),
    key: (await keys.getKey('telemetry-key')).name,
    create: await said(keys.createKey('another', 'RSA')),
    unnamed: await said(new ManagedIdentityCredential().getToken(resource)),
    wrongHeader: await ask({ ...asked, client_id: clientId }, { 'X-IDENTITY-HEADER': `${header}0` }),
    another: await ask({ ...asked, client_id: randomUUID() }, { 'X-IDENTITY-HEADER': header }),
    noResource: await ask({ ...asked, resource: '', client_id: clientId }, { 'X-IDENTITY-HEADER': header }),
    stranger: await ask(
      { ...asked, resource: 'https://stranger.example', client_id: clientId },
      { 'X-IDENTITY-HEADER': header },
    ),
    before: await ask({ 'api-version': '2017-09-01', resource, clientid: clientId }, { secret: header }),
    named: await ask({ ...asked, mi_res_id: claims.xms_mirid }, { 'X-IDENTITY-HEADER': header }),
  }),
);
