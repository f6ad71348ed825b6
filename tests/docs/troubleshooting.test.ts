import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { kustody } from '../support/kustody-command.ts';
import { errorsPage } from './errors-page.ts';
import { sourceTexts } from './source-texts.ts';

const page = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'troubleshooting.md'), 'utf8');
const quotes = [...page.matchAll(/(?:^> .*\n)+/gm)].map(([block]) =>
  block.replaceAll(/^> /gm, '').replaceAll(/\s+/g, ' ').trim(),
);

/** Parts of those that a test provokes in a running Kustody; the others are looked for in the source. */
const provoked = [
  'The request has no bearer token.',
  'The token was issued for another audience.',
  'AADSTS7000215',
  'AKV10000',
  "is not one of Kustody's",
  'could not be resolved',
  'is suspended',
  'Streaming ingestion policy is not enabled',
  'No Kustody runs on',
];

const escaped = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
/** `…` stands for anything. */
const patternOf = (text: string): RegExp => new RegExp(text.split('…').map(escaped).join('(.*)'), 's');

/** Whether the source says it: in one text, or in one that is filled in with what the source says, too. */
function isSaid(quote: string, texts: readonly string[]): boolean {
  const pattern = patternOf(quote);
  return texts.some((text) => pattern.test(text) || isFilledIn(text, quote, texts));
}

function isFilledIn(text: string, quote: string, texts: readonly string[]): boolean {
  const literal = text.replaceAll('…', '');
  if (literal === text || literal.length < 12 || text === quote) return false;
  const [, ...filled] = new RegExp(`^${patternOf(text).source}$`, 's').exec(quote) ?? [];
  return filled.length > 0 && filled.every((part) => part.replaceAll(/[…\s]/g, '').length < 8 || isSaid(part, texts));
}

describe('docs/troubleshooting.md', () => {
  const texts = [...sourceTexts(), ...errorsPage().split('\n')];

  it('quotes enough to be of use, and each once', () => {
    expect(quotes.length).toBeGreaterThan(35);
    expect(new Set(quotes).size).toBe(quotes.length);
  });

  it.each(quotes.filter((quote) => !provoked.some((part) => quote.includes(part))))(
    'quotes the source: %s',
    (quote) => {
      expect(isSaid(quote, texts)).toBe(true);
    },
  );

  it('would tell of a text that nothing says', () => {
    for (const quote of quotes) expect(isSaid(quote.replace(/[a-z]{5,}/, 'kwyjibo'), texts), quote).toBe(false);
  });
});

/** What a user sees, each provoked in one instance; what a client prints goes to standard output. */
const script = `
  token() { curl -s "https://login.microsoftonline.com/$AZURE_TENANT_ID/oauth2/v2.0/token" -d grant_type=client_credentials \
    -d client_id="$AZURE_CLIENT_ID" --data-urlencode client_secret="$AZURE_CLIENT_SECRET" -d scope="$1/.default" | sed 's/.*"access_token":"//; s/".*//'; }
  ask() { curl -s -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' -H 'Accept: application/json' "$@"; echo; }
  export TOKEN=
  curl -s -H 'Accept: application/json' "$KUSTODY_CLUSTER_URI/v1/rest/query" -d '{}' ; echo
  TOKEN=$(token https://vault.azure.net) ask "$KUSTODY_CLUSTER_URI/v1/rest/query" -d '{}'
  CLUSTER_TOKEN=$(token https://kusto.kusto.windows.net)
  VAULT_TOKEN=$(token https://vault.azure.net)
  curl -s "https://login.microsoftonline.com/$AZURE_TENANT_ID/oauth2/v2.0/token" -d grant_type=client_credentials \
    -d client_id="$AZURE_CLIENT_ID" -d client_secret=wrong -d scope=https://vault.azure.net/.default; echo
  curl -s "\${KUSTODY_VAULT_URI}keys/cluster-key?api-version=7.4"; echo
  curl -sv https://example.org/ 2>&1
  curl -sv https://no-such-vault.vault.azure.net/ 2>&1
  curl -s -x "$HTTP_PROXY" http://example.org/; echo
  curl -s -x "$HTTP_PROXY" http://no-such-vault.vault.azure.net/; echo
  kustody query '.create table T (A: long)'
  kustody query '.alter table T policy streamingingestion disable'
  TOKEN=$CLUSTER_TOKEN ask "$KUSTODY_CLUSTER_URI/v1/rest/ingest/$KUSTODY_DATABASE/T?streamFormat=csv" -d 1
  kustody query '.get ingestion resources' 2>&1
  kustody status --data /nonexistent-directory 2>&1
  version=$(TOKEN=$VAULT_TOKEN ask "\${KUSTODY_KEY_ID}?api-version=7.4" | sed 's/.*cluster-key\\/\\([0-9a-f]*\\).*/\\1/')
  TOKEN=$VAULT_TOKEN ask -X PATCH "$KUSTODY_KEY_ID/$version?api-version=7.4" -d '{"attributes":{"enabled":false}}'
  kustody query 'T' 2>&1
  env -u NODE_EXTRA_CA_CERTS node -e '
    const tls = require("node:tls"); const http = require("node:http"); const { hostname, port } = new URL(process.env.HTTPS_PROXY);
    http.request({ host: hostname, port, method: "CONNECT", path: "login.microsoftonline.com:443" }).on("connect", (_, socket) =>
      tls.connect({ socket, servername: "login.microsoftonline.com" }).on("error", (error) => { console.log(error.code); process.exit(); })).end();'
  env -u CURL_CA_BUNDLE -u SSL_CERT_FILE curl -sS https://login.microsoftonline.com/ 2>&1
`;

describe('a running Kustody', () => {
  let seen = '';
  beforeAll(async () => {
    const { stdout, stderr } = await kustody(['run', '--seed', '--', 'bash', '-c', script]);
    seen = `${stdout}${stderr}`.replaceAll(/\s+/g, ' ');
  });

  it.each(provoked)('says "%s" in the words of the page', (part) => {
    const quote = quotes.find((one) => one.includes(part));
    expect(quote).toBeDefined();
    expect(seen).toMatch(patternOf(quote ?? 'absent'));
  });

  it('is met by clients without its root as the page says', () => {
    const codes = [...page.matchAll(/`(UNABLE_TO_[A-Z_]+|SELF_SIGNED_[A-Z_]+)`/g)].map(([, code = '']) => code);
    expect(codes.some((code) => seen.includes(code))).toBe(true);
    expect(page).toContain('unable to get local issuer certificate');
    expect(seen).toMatch(/unable to get local issuer certificate|self.signed certificate in certificate chain/);
    expect(seen).toContain('Kustody refuses');
  });
});
