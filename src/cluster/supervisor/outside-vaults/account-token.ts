import type { AccessToken, TokenCredential } from '@azure/core-auth';
import { isJsonObject } from '../../../base/json.ts';
import type { HttpObserver } from '../../process/pinned-http-client.ts';
import { createPinnedHttpClient } from '../../process/pinned-http-client.ts';
import type { TokenAnswer } from '../../messages/vault-calls.ts';
import type { OutsideVault } from './outside-vault.ts';

/** A fresh token of an outside vault's account, through Microsoft's own client. It speaks to the account's authority only, asks nobody
 * else which authorities there are, and keeps nothing: a credential that was taken back stops at the next check. */
export async function accountToken(
  { host, account, route }: OutsideVault,
  audience: string,
  timeoutMs: number,
): Promise<TokenAnswer> {
  const trace = new AuthorityTrace();
  const httpClient = createPinnedHttpClient({ host: account.authorityHost, route }, trace);
  const signal = AbortSignal.timeout(timeoutMs);
  try {
    const credential = await credentialOf(account, httpClient);
    const token = await credential.getToken(`${audience}/.default`, { abortSignal: signal });
    return answerOf(token) ?? unavailable(account.authorityHost, 'it gave no token');
  } catch {
    if (signal.aborted) return unavailable(account.authorityHost, 'it did not answer in time');
    return trace.answer(host, account);
  } finally {
    httpClient.close();
  }
}

async function credentialOf(
  account: OutsideVault['account'],
  httpClient: ReturnType<typeof createPinnedHttpClient>,
): Promise<TokenCredential> {
  const { ClientCertificateCredential, ClientSecretCredential } = await import('@azure/identity');
  const { tenantId, clientId, proof } = account;
  const options = {
    authorityHost: `https://${account.authorityHost}`,
    httpClient,
    disableInstanceDiscovery: true,
    retryOptions: { maxRetries: 0 },
    redirectOptions: { maxRetries: 0 },
  };
  if (proof.kind === 'secret') return new ClientSecretCredential(tenantId, clientId, proof.secret, options);
  const certificate = {
    certificate: proof.pem,
    ...(proof.password === undefined ? {} : { certificatePassword: proof.password }),
  };
  return new ClientCertificateCredential(tenantId, clientId, certificate, options);
}

const answerOf = (token: AccessToken | null): TokenAnswer | undefined =>
  token === null ? undefined : { outcome: 'token', token: token.token, expiresOn: token.expiresOnTimestamp };

const unavailable = (authorityHost: string, why: string): TokenAnswer => ({
  outcome: 'unavailable',
  reason: `The authority ${authorityHost} of the vault cannot be asked: ${why}.`,
});

/** What the authority answered last, so that an outcome never depends on how the client words its errors. */
class AuthorityTrace implements HttpObserver {
  #last: { readonly status: number; readonly body: Buffer } | { readonly broke: string } | undefined;

  began(): void {
    this.#last = undefined;
  }

  answered(status: number, _headers: unknown, body: Buffer): void {
    this.#last = { status, body };
  }

  broke(message: string): void {
    this.#last = { broke: message };
  }

  /** Of a call that brought no token. */
  answer(host: string, { authorityHost, clientId }: OutsideVault['account']): TokenAnswer {
    const last = this.#last;
    if (last === undefined) {
      const reason = `The credential of vault ${host} cannot be used: its certificate is not what --vault needs.`;
      return { outcome: 'refused', cause: 'credentialRefused', reason };
    }
    if ('broke' in last) return unavailable(authorityHost, last.broke.replace(/\.$/, ''));
    const { code, description } = errorOf(last.body);
    const isOutage =
      ![400, 401, 403, 404].includes(last.status) || /^(temporarily_unavailable|server_error)$/.test(code);
    if (isOutage) return unavailable(authorityHost, `it answered ${last.status}`);
    return {
      outcome: 'refused',
      cause: 'credentialRefused',
      reason:
        `${authorityHost} refuses application ${clientId}, which stands for the identity at vault ${host}: ${code}. ${description}`.trim(),
    };
  }
}

const descriptionCharsMax = 300;

/** OAuth 2.0 (RFC 6749, 5.2); Entra ID's description goes on with trace ids in further lines. */
function errorOf(body: Buffer): { readonly code: string; readonly description: string } {
  try {
    const value: unknown = JSON.parse(body.toString('utf8'));
    const { error, error_description: text } = isJsonObject(value) ? value : {};
    const [first = ''] = (typeof text === 'string' ? text : '').split(/\r?\n/);
    return { code: typeof error === 'string' ? error : '', description: first.slice(0, descriptionCharsMax) };
  } catch {
    return { code: '', description: '' };
  }
}
