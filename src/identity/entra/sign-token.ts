import { sign } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { promisify } from 'node:util';
import { toBase64Url } from '../../base/base64url.ts';
import { utf8 } from '../../base/bytes.ts';
import { FewAtOnce } from '../../base/few-at-once.ts';
import type { JsonObject } from '../../base/json.ts';

/** Of all keys. What processors there are sign no more if more is begun, but then the thread that answers is one among all that compute.
 * One more than processors: none is idle between two. */
const signatures = new FewAtOnce(availableParallelism() + 1);

const signOffThread = promisify(sign);

/** A JSON Web Token in compact form (RFC 7515), signed RS256 on a thread of the pool.
 * @param header beside `typ` and `alg`
 * @param key of RSA */
export async function signToken(header: JsonObject, claims: JsonObject, key: KeyObject): Promise<string> {
  const signed = `${encoded({ typ: 'JWT', alg: 'RS256', ...header })}.${encoded(claims)}`;
  const signature = await signatures.run(() => signOffThread('sha256', Buffer.from(signed, 'latin1'), key));
  return `${signed}.${toBase64Url(signature)}`;
}

const encoded = (value: JsonObject): string => toBase64Url(utf8(JSON.stringify(value)));
