import type { SeenRequest } from '../api/traffic.ts';
import { quoted } from '../shell/posix-word.ts';

/** What is signed in the query, or asks for the token itself, sends none. */
const withoutToken = /^login\.|\.(?:blob|queue|table)\.core\.windows\.net$/;

/** The same request as a line for a POSIX shell, through the proxy. Tokens and bodies are for whoever runs it: `$TOKEN`, `body.json`, and `…` for
 * values that were not kept.
 * @returns undefined for a managed identity's endpoint, whose path has its secret */
export function curlLine(
  { plane, method, host, path }: SeenRequest,
  ports: { readonly proxyPort: number; readonly kustoPort: number },
): string | undefined {
  if (plane === 'managed identity') return undefined;
  const isLocal = host === 'localhost';
  const authority = isLocal ? `localhost:${ports.kustoPort}` : host;
  return [
    'curl --cacert "$KUSTODY_DATA_DIR/ca.pem"',
    ...(isLocal ? [] : [`--proxy http://localhost:${ports.proxyPort}`]),
    ...(method === 'GET' ? [] : method === 'HEAD' ? ['--head'] : [`--request ${quoted(method)}`]),
    ...(withoutToken.test(host) ? [] : ['--header "Authorization: Bearer $TOKEN"']),
    ...(/^(?:POST|PUT|PATCH)$/.test(method) ? ["--header 'Content-Type: application/json' --data @body.json"] : []),
    quoted(`https://${authority}${path}`),
  ].join(' ');
}
