// Speaks to every plane by axios alone, told nothing but a proxy: `node axios.client.mjs AXIOS-PACKAGE CLUSTER-HOST DATABASE`. Prints one JSON object.
// axios before 1.16.1 sends https through a proxy in absolute form, in the clear.
import { createRequire } from 'node:module';
import { URLSearchParams } from 'node:url';

const [, , name, clusterHost, database] = process.argv;
const axios = createRequire(import.meta.url)(name);
const { AZURE_TENANT_ID: tenant, AZURE_CLIENT_ID: client, AZURE_CLIENT_SECRET: secret } = process.env;

async function tokenFor(resource) {
  const form = {
    grant_type: 'client_credentials',
    client_id: client,
    client_secret: secret,
    scope: `${resource}/.default`,
  };
  const url = `https://login.microsoftonline.com/${tenant}/oauth2/v2.0/token`;
  return (await axios.post(url, new URLSearchParams(form).toString())).data.access_token;
}

const bearer = async (resource) => ({ authorization: `Bearer ${await tokenFor(resource)}` });
const query = (headers, csl) =>
  axios.post(`https://${clusterHost}/v1/rest/query`, { db: database, csl }, { headers, validateStatus: null });

const arm = await axios.get('https://management.azure.com/subscriptions?api-version=2022-12-01', {
  headers: await bearer('https://management.azure.com'),
});
const headers = await bearer(`https://${clusterHost}`);
const answers = await Promise.all(Array.from({ length: 5 }, (_, index) => query(headers, `print ${index}`)));
const big = await query(headers, `print strlen('${'x'.repeat(300_000)}')`);
const refused = await query({}, 'print 1');
const vault = await axios.get('https://no-such-vault.vault.azure.net/keys?api-version=7.4', { validateStatus: null });
console.log(
  JSON.stringify({
    version: axios.VERSION,
    subscriptions: arm.data.value.length,
    rows: answers.map(({ data }) => data.Tables[0].Rows[0][0]),
    big: big.data.Tables[0].Rows[0][0],
    refused: refused.status,
    vault: vault.status,
  }),
);
