import { expect, it } from 'vitest';
import { armBodyRules } from '../arm/body-rules.ts';
import { kustoBodyRules } from '../cluster/data-plane/body-rules.ts';
import { entraBodyRules } from '../identity/entra/body-rules.ts';
import { graphBodyRules } from '../identity/graph/body-rules.ts';
import { vaultBodyRules } from '../vault/plane/body-rules.ts';
import type { BodyRules } from './shown-body.ts';
import { seenBody, seenBytesMax } from './shown-body.ts';

const json = (body: unknown, rules: BodyRules): unknown =>
  JSON.parse(seenBody(Buffer.from(JSON.stringify(body)), 'application/json', rules).text ?? 'null');

const secret = 'canary-4711';
const token = 'eyJhbGciOiJSUzI1NiJ9.eyJhIjoxfQ.c2ln';

it.each<[string, BodyRules, unknown, unknown]>([
  [
    'a key that is brought along: its public half',
    vaultBodyRules,
    { key: { kty: 'RSA', n: 'AQ', e: 'AQAB', d: secret, p: secret, k: secret }, hsm: false, attributes: { exp: 1 } },
    { key: { kty: 'RSA', n: 'AQ', e: 'AQAB', d: '…', p: '…', k: '…' }, hsm: false, attributes: { exp: 1 } },
  ],
  ['a wrapped key', vaultBodyRules, { alg: 'RSA-OAEP', value: secret }, { alg: 'RSA-OAEP', value: '…' }],
  [
    'a secret, and an error',
    vaultBodyRules,
    { value: secret, id: 'https://v.vault.azure.net/secrets/s', error: { code: 'Forbidden', message: `no ${token}` } },
    { value: '…', id: 'https://v.vault.azure.net/secrets/s', error: { code: 'Forbidden', message: 'no …' } },
  ],
  [
    'a cluster with its key',
    armBodyRules,
    {
      location: 'westeurope',
      tags: { owner: secret },
      identity: { type: 'UserAssigned', userAssignedIdentities: { '/subscriptions/s/resourceGroups/g': {} } },
      properties: { keyVaultProperties: { keyName: 'k' }, scriptUrlSasToken: secret, zones: ['1', '2'] },
    },
    {
      location: 'westeurope',
      tags: '…',
      identity: { type: 'UserAssigned', userAssignedIdentities: { '/subscriptions/s/resourceGroups/g': {} } },
      properties: { keyVaultProperties: { keyName: 'k' }, scriptUrlSasToken: '…', zones: ['1', '2'] },
    },
  ],
  [
    'a deployment, and a secret made by the resource manager',
    armBodyRules,
    {
      properties: { mode: 'Incremental', parameters: { name: { value: secret } }, template: { name: secret } },
      value: 1,
    },
    { properties: { mode: 'Incremental', parameters: '…', template: '…' }, value: '…' },
  ],
  [
    'an application with a new password',
    graphBodyRules,
    { displayName: 'App', secretText: secret, hint: 'can', passwordProfile: { password: secret } },
    { displayName: 'App', secretText: '…', hint: '…', passwordProfile: { password: '…' } },
  ],
  [
    'tokens',
    entraBodyRules,
    { token_type: 'Bearer', expires_in: 3599, access_token: token, refresh_token: secret },
    { token_type: 'Bearer', expires_in: 3599, access_token: '…', refresh_token: '…' },
  ],
  [
    'a query with its options, and what it hides',
    kustoBodyRules,
    {
      db: 'db',
      csl: `T | where a == h'${secret}' | join externaldata(b: string)['https://x.blob.core.windows.net/c/f?sig=${secret}']`,
      properties: JSON.stringify({
        Options: { servertimeout: '00:01:00', other: secret },
        Parameters: { servertimeout: secret },
      }),
    },
    {
      db: 'db',
      csl: "T | where a == h'***' | join externaldata(b: string)['https://x.blob.core.windows.net/c/f?***']",
      properties: JSON.stringify({ Options: { servertimeout: '00:01:00', other: '…' }, Parameters: '…' }),
    },
  ],
  [
    'rows that a command brings along',
    kustoBodyRules,
    { db: 'db', csl: `.ingest inline into table T <|\n${secret},1` },
    { db: 'db', csl: '.ingest inline into table T <|…' },
  ],
  [
    'rows behind a comment',
    kustoBodyRules,
    { csl: `.ingest // [ <|\n inline into table T <|\n${secret},1` },
    { csl: '.ingest // [ <|\n inline into table T <|…' },
  ],
  [
    'rows in brackets',
    kustoBodyRules,
    { csl: `.ingest inline into table T with (format='csv') [${secret},1] [2,3]` },
    { csl: ".ingest inline into table T with (format='csv') […" },
  ],
  [
    'names that are no names',
    vaultBodyRules,
    { [token]: 1, [`a ${secret}`]: true, __proto__x: [1] },
    { '…': '…', '…2': true, __proto__x: ['…'] },
  ],
])('shows of %s what a row names', (_, rules, body, shown) => expect(json(body, rules)).toEqual(shown));

it('shows of forms what a row names', () => {
  const form = new URLSearchParams({ grant_type: 'client_credentials', client_id: 'me', client_secret: secret });
  const type = 'application/x-www-form-urlencoded;charset=utf-8';
  expect(seenBody(Buffer.from(form.toString()), type, entraBodyRules)).toEqual({
    bytes: form.toString().length,
    text: 'grant_type=client_credentials&client_id=me&client_secret=…',
  });
});

it('shows nothing of what is no JSON, or too long', () => {
  expect(seenBody(Buffer.from(secret), 'text/plain', vaultBodyRules)).toEqual({ bytes: secret.length });
  const long = Buffer.from(JSON.stringify({ id: 'x'.repeat(seenBytesMax) }));
  expect(seenBody(long, 'application/json', vaultBodyRules)).toEqual({ bytes: long.byteLength });
});
