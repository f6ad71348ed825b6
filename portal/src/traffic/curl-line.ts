import type { SeenRequest } from '../api/traffic.ts';
import { quoted } from '../shell/posix-word.ts';

/** What is signed in the query, or asks for the token itself, sends none. */
const withoutToken = /^login\.|\.(?:blob|queue|table)\.core\.windows\.net$/;

/** The same request as a line for a POSIX shell, through the proxy. What was not kept is for whoever runs it: `$TOKEN`, `body.json` where there is
 * no body, and `…` for values.
 * @returns undefined for a managed identity's endpoint, whose path has its secret */
export function curlLine(
  { plane, method, host, path, bodies }: SeenRequest,
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
    ...(/^(?:POST|PUT|PATCH)$/.test(method) ? [bodyWords(plane, bodies?.request?.text)] : []),
    quoted(`https://${authority}${path}`),
  ].join(' ');
}

/** @param text of the body as it was kept */
function bodyWords(plane: string, text: string | undefined): string {
  if (text !== undefined && !/^[[{]/.test(text))
    return text
      .split('&')
      .map((parameter) => `--data-urlencode ${quoted(parameter)}`)
      .join(' ');
  const type = plane === 'entra' ? 'application/x-www-form-urlencoded' : 'application/json';
  return `--header 'Content-Type: ${type}' --data ${text === undefined ? '@body.json' : quoted(text)}`;
}
