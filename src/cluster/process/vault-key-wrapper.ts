import type { AccessToken, TokenCredential } from '@azure/core-auth';
import type { CryptographyClientOptions, KeyVaultKey } from '@azure/keyvault-keys';
import { invariant } from '../../base/invariant.ts';
import { isJsonObject } from '../../base/json.ts';
import type { Guid } from '../../base/guid.ts';
import type { VersionedKeyId } from '../../base/key-id.ts';
import { formatKeyId, parseVersionedKeyId } from '../../base/key-id.ts';
import type { HostName } from '../../base/names.ts';
import type { KeyDescription, KeyFailure, KeyWrapper } from '../../encryption/key-wrapper.ts';
import type { VaultObservation } from '../../encryption/outcome-table.ts';
import { classifyOutcome } from '../../encryption/outcome-table.ts';
import type { Edge, HostAnswer, TokenAnswer, TokenTarget } from '../messages/vault-calls.ts';
import type { Route } from './host-route.ts';
import type { HttpObserver } from './pinned-http-client.ts';
import { createPinnedHttpClient } from './pinned-http-client.ts';
import type { Tracer } from '../../http/tracing/tracer.ts';

/** What the vault client asks others for: names and tokens. */
export interface VaultAccess {
  resolve(host: HostName): Promise<HostAnswer>;
  /** A fresh token for `identity` to show to `host`. */
  token(identity: Guid, host: HostName, target: TokenTarget): Promise<TokenAnswer>;
}

export interface VaultKeyWrapperOptions {
  /** To vaults that are ours; undefined: there are none. */
  readonly edge?: Edge;
  readonly access: VaultAccess;
  /** For a whole call, challenge and token included. */
  readonly timeoutMs: number;
  /** Undefined: nobody traces. */
  readonly tracer?: Tracer | undefined;
}

const algorithm = 'RSA-OAEP-256';
const serviceVersion = '7.4';
const wrappedLengths = [256, 384, 512];

/** Loaded when first needed, or earlier by whoever has time. */
export const loadVaultSdk = (): Promise<typeof import('@azure/keyvault-keys')> => import('@azure/keyvault-keys');

/** The KeyWrapper that goes to a vault as any stranger would, through Microsoft's own client. A client is made anew for each
 * call, from a key literal with a full versioned id and no dates: the client would otherwise GET the key, cache it and judge
 * its dates by the wall clock. */
export function createVaultKeyWrapper(options: VaultKeyWrapperOptions): KeyWrapper {
  return {
    describe: async (identity, key) => {
      const result = await callVault(options, identity, key.vaultHost, async (clientOptions, credential, signal) => {
        const { KeyClient } = await loadVaultSdk();
        const client = new KeyClient(`https://${key.vaultHost}`, credential, clientOptions);
        return client.getKey(key.name, { version: key.version ?? '', abortSignal: signal });
      });
      if (result.outcome === 'failed') return result;
      const description = describeKey(result.value, result.trace.region);
      return description === undefined
        ? classifyOutcome({ seen: 'other', message: 'The vault described a key without a proper id.' })
        : { outcome: 'described', key: description };
    },
    wrap: async (identity, kid, plaintext) => {
      const result = await callVault(options, identity, kid.vaultHost, async (clientOptions, credential, signal) => {
        const client = await cryptographyClient(kid, credential, clientOptions);
        return (await client.wrapKey(algorithm, plaintext, { abortSignal: signal })).result;
      });
      if (result.outcome === 'failed') return result;
      const wrong = otherKid(result.trace, kid);
      if (wrong !== undefined) return wrong;
      return wrappedLengths.includes(result.value.byteLength)
        ? { outcome: 'wrapped', wrapped: result.value }
        : classifyOutcome({ seen: 'wrongLength', message: `The vault wrapped to ${result.value.byteLength} bytes.` });
    },
    unwrap: async (identity, kid, wrapped) => {
      const result = await callVault(options, identity, kid.vaultHost, async (clientOptions, credential, signal) => {
        const client = await cryptographyClient(kid, credential, clientOptions);
        return (await client.unwrapKey(algorithm, wrapped, { abortSignal: signal })).result;
      });
      if (result.outcome === 'failed') return result;
      return otherKid(result.trace, kid) ?? { outcome: 'unwrapped', plaintext: result.value };
    },
  };
}

async function cryptographyClient(
  kid: VersionedKeyId,
  credential: TokenCredential,
  options: CryptographyClientOptions,
) {
  const { CryptographyClient } = await loadVaultSdk();
  const id = formatKeyId(kid);
  const key: KeyVaultKey = {
    id,
    name: kid.name,
    keyType: 'RSA',
    keyOperations: ['wrapKey', 'unwrapKey'],
    key: { kid: id, kty: 'RSA', keyOps: ['wrapKey', 'unwrapKey'] },
    properties: { name: kid.name, vaultUrl: `https://${kid.vaultHost}` },
  };
  return new CryptographyClient(key, credential, options);
}

type VaultResult<T> = { readonly outcome: 'value'; readonly value: T; readonly trace: CallTrace } | KeyFailure;
type VaultCall<T> = (
  options: CryptographyClientOptions,
  credential: TokenCredential,
  signal: AbortSignal,
) => Promise<T>;

/** One call, and once more with a fresh token when the vault answers 401 to the first. */
async function callVault<T>(
  options: VaultKeyWrapperOptions,
  identity: Guid,
  host: HostName,
  call: VaultCall<T>,
): Promise<VaultResult<T>> {
  await loadVaultSdk(); // the time that this takes is not the vault's
  const signal = AbortSignal.timeout(options.timeoutMs);
  const found = await untilAborted(options.access.resolve(host), signal).catch(() => undefined);
  if (found === undefined) return classifyOutcome({ seen: 'timeout' });
  const { edge } = options;
  if (found.where === 'absent' || (found.where === 'ours' && edge === undefined))
    return classifyOutcome({ seen: 'noSuchHost', host });
  const route = found.where === 'ours' ? edge : found.route;
  invariant(route !== undefined, 'a vault of ours is reached through the edge');
  const first = await attempt(options, route, identity, host, call, signal);
  if (first.outcome === 'value' || first.status !== 401) return first;
  return attempt(options, route, identity, host, call, signal);
}

async function attempt<T>(
  { access, tracer }: VaultKeyWrapperOptions,
  route: Route,
  identity: Guid,
  host: HostName,
  call: VaultCall<T>,
  signal: AbortSignal,
): Promise<VaultResult<T>> {
  const trace = new CallTrace();
  const httpClient = createPinnedHttpClient({ host, route, tracer }, trace);
  const clientOptions: CryptographyClientOptions = {
    serviceVersion,
    httpClient,
    retryOptions: { maxRetries: 0 },
    redirectOptions: { maxRetries: 0 },
  };
  try {
    const credential = credentialFor(access, identity, host, trace);
    const value = await untilAborted(call(clientOptions, credential, signal), signal);
    return { outcome: 'value', value, trace };
  } catch (error) {
    const failure = classifyOutcome(signal.aborted ? { seen: 'timeout' } : trace.observation(error));
    return trace.region === undefined ? failure : { ...failure, region: trace.region };
  } finally {
    httpClient.close();
  }
}

/** The audience is the resource of the vault's challenge, and only when that is a parent domain of the vault's own host. */
function credentialFor(access: VaultAccess, identity: Guid, host: HostName, trace: CallTrace): TokenCredential {
  return {
    getToken: async (scopes): Promise<AccessToken> => {
      const scope = typeof scopes === 'string' ? scopes : (scopes[0] ?? '');
      const audience = scope.replace(/\/\.default$/, '');
      const answer = await access.token(identity, host, { audience, authority: trace.authority });
      if (answer.outcome !== 'token') {
        trace.noToken = observationOf(answer);
        throw new Error('There is no token for the identity.');
      }
      trace.tokens += 1;
      return { token: answer.token, expiresOnTimestamp: answer.expiresOn };
    },
  };
}

function observationOf(answer: Exclude<TokenAnswer, { outcome: 'token' }>): VaultObservation {
  const { outcome, reason } = answer;
  if (outcome === 'unavailable') return { seen: 'unreachable', message: reason };
  return { seen: answer.cause === 'credentialRefused' ? 'credentialRefused' : 'noToken', reason };
}

/** What went over the wire in one call, so that an outcome never depends on how the SDK words its errors: it throws a
 * TypeError for an empty error body and keeps the inner error code to itself. */
class CallTrace implements HttpObserver {
  noToken: VaultObservation | undefined;
  /** As the challenge names it. */
  authority: string | undefined;
  tokens = 0;
  region: string | undefined;
  kid: string | undefined;
  #last: VaultObservation | undefined;

  began(): void {
    this.#last = undefined;
  }

  answered(status: number, headers: Readonly<Record<string, string | string[] | undefined>>, body: Buffer): void {
    const region = headers['x-ms-keyvault-region'];
    if (typeof region === 'string') this.region = region.toLowerCase().slice(0, 100);
    const challenge = status === 401 ? headers['www-authenticate'] : undefined;
    if (typeof challenge === 'string') {
      this.authority = /\bauthorization(?:_uri)?="?([^",\s]{1,300})/i.exec(challenge)?.[1];
    }
    if (status < 400) this.kid = /"kid"\s*:\s*"([^"]{1,400})"/.exec(body.toString('utf8'))?.[1];
    else if (status !== 401 || this.tokens > 0) this.#last = { seen: 'answer', status, ...errorOf(body) };
  }

  broke(message: string): void {
    this.#last = { seen: 'unreachable', message };
  }

  observation(error: unknown): VaultObservation {
    return (
      this.noToken ?? this.#last ?? { seen: 'other', message: error instanceof Error ? error.message : 'unknown error' }
    );
  }
}

function errorOf(body: Buffer): { code?: string; inner?: string; message?: string } {
  try {
    const parsed: unknown = JSON.parse(body.toString('utf8'));
    const error = isJsonObject(parsed) && isJsonObject(parsed.error) ? parsed.error : {};
    const inner = isJsonObject(error.innererror) ? error.innererror.code : undefined;
    return {
      ...(typeof error.code === 'string' ? { code: error.code } : {}),
      ...(typeof inner === 'string' ? { inner } : {}),
      ...(typeof error.message === 'string' ? { message: error.message } : {}),
    };
  } catch {
    return {};
  }
}

/** The answer must be of the version that was asked. */
function otherKid(trace: CallTrace, asked: VersionedKeyId): KeyFailure | undefined {
  const found = trace.kid === undefined ? undefined : parseVersionedKeyId(trace.kid);
  if (found?.version === asked.version) return undefined;
  return classifyOutcome({ seen: 'mismatch', message: 'The vault answered for another key version.' });
}

function describeKey(key: KeyVaultKey, region: string | undefined): KeyDescription | undefined {
  const kid = key.id === undefined ? undefined : parseVersionedKeyId(key.id);
  if (kid === undefined) return undefined;
  const bits = key.key?.n === undefined ? undefined : bitLength(key.key.n);
  const { notBefore, expiresOn } = key.properties;
  return {
    kid,
    keyType: key.keyType ?? '',
    ...(bits === undefined ? {} : { bits }),
    enabled: key.properties.enabled !== false,
    ...(notBefore === undefined ? {} : { notBefore: notBefore.getTime() / 1000 }),
    ...(expiresOn === undefined ? {} : { expires: expiresOn.getTime() / 1000 }),
    keyOperations: (key.keyOperations ?? []).map(String),
    recoveryLevel: key.properties.recoveryLevel ?? '',
    ...(region === undefined ? {} : { region }),
  };
}

/** Length of an unsigned big-endian number; leading zero bytes do not count. */
function bitLength(modulus: Uint8Array): number {
  const first = modulus.findIndex((byte) => byte !== 0);
  return first < 0 ? 0 : (modulus.byteLength - first) * 8 - Math.clz32(modulus[first] ?? 0) + 24;
}

async function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  let onAbort: (() => void) | undefined;
  const aborted = new Promise<never>((_resolve, reject) => {
    onAbort = () => reject(new Error('The call took too long.'));
    signal.addEventListener('abort', onAbort);
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    if (onAbort !== undefined) signal.removeEventListener('abort', onAbort);
  }
}
