import { createHash } from 'node:crypto';
import type { SourceCredential } from './source-address.ts';
import { decoded } from './source-address.ts';

type AccessKeys = Extract<SourceCredential, { kind: 'accessKeys' }>;

const emptyBodySha256 = createHash('sha256').digest('hex');

/** What is asked of Amazon S3 for an object, by whoever has the keys. Neither of them is in it: a signature of this request alone, good for
 * a quarter of an hour.
 * @param now milliseconds since 1970
 * @see AWS "Signature Version 4", "Authenticating requests: using the Authorization header" */
export async function signedForS3(
  url: URL,
  { id, secret, region }: AccessKeys,
  now: number,
): Promise<{ readonly url: string; readonly headers: Readonly<Record<string, string>> }> {
  const { default: aws4 } = await import('aws4');
  const sent = new URL(url);
  sent.pathname = asSigned(url.pathname);
  const time = new Date(now).toISOString().replace(/[-:]|\.\d+/g, '');
  const { headers } = aws4.sign(
    {
      ...{ service: 's3', region, method: 'GET', host: sent.host, path: `${sent.pathname}${sent.search}` },
      headers: { 'X-Amz-Date': time, 'X-Amz-Content-Sha256': emptyBodySha256 },
    },
    { accessKeyId: id, secretAccessKey: secret },
  );
  const signed = Object.entries(headers ?? {}).map(([name, value]) => [name.toLowerCase(), String(value)] as const);
  return { url: sent.href, headers: { ...Object.fromEntries(signed), accept: '*/*', 'user-agent': 'kustody' } };
}

/** A path as it is signed is one in which nothing but letters, digits and `-._~` stands for itself. What is sent is written so, too, since a
 * `+` in the name of an object is no blank. */
const asSigned = (path: string): string =>
  path
    .split('/')
    .flatMap((part) => decoded(part).split('/'))
    .map((part) => encodeURIComponent(part).replace(/[!'()*]/g, asBytes))
    .join('/');

const asBytes = (character: string): string => `%${character.charCodeAt(0).toString(16).toUpperCase()}`;
