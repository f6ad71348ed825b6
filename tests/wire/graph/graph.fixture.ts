import { parseGuid } from '../../../src/base/guid.ts';
import type { Guid } from '../../../src/base/guid.ts';
import { instant } from '../../../src/clock/clock.ts';
import { globalAdministrator } from '../../../src/identity/principals/directory-roles.ts';
import type { Principal } from '../../../src/identity/principals/principal.ts';
import type { Answer } from '../entra/entra-edge.fixture.ts';
import { startEntra } from '../entra/entra-edge.fixture.ts';
import type { Log } from '../../../src/http/logging.ts';
import { silentLog } from '../../../src/http/logging.ts';

export type Send = (method: string, path: string, body?: unknown, headers?: Record<string, string>) => Promise<Answer>;

export const graphScope = 'https://graph.microsoft.com/.default';

/** Graph and Entra ID behind the real edge, with an application that is administrator and one that has no role. */
export async function startGraph(log: Log = silentLog) {
  const entra = await startEntra(log);
  const { tenantId } = entra.tenant;
  const { directory } = entra;
  const withToken =
    (token: string): Send =>
    (method, path, body, headers = {}) =>
      entra.ask(path.startsWith('/beta') ? path : `/v1.0${path}`, {
        host: 'graph.microsoft.com',
        method,
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', ...headers },
        ...(body === undefined ? {} : { text: typeof body === 'string' ? body : JSON.stringify(body) }),
      });
  const tokenOf = async (clientId: string, secret: string, scope = graphScope): Promise<string> => {
    const form = { grant_type: 'client_credentials', client_id: clientId, client_secret: secret, scope };
    const { body } = await entra.ask(`/${tenantId}/oauth2/v2.0/token`, { form });
    return String(body['access_token']);
  };
  const setRoles = async (principal: Pick<Principal, 'objectId'>, roles: readonly string[]): Promise<void> => {
    const directoryRoles = roles.flatMap((role) => parseGuid(role) ?? []);
    await directory.principals.store.update(principal.objectId, (one) => ({ ...one, directoryRoles }));
  };
  await directory.completeApplications(tenantId, instant(entra.wall.now));
  await setRoles(entra.application, [globalAdministrator]);
  const plain = await entra.principals.create({ tenantId, displayName: 'plain', kind: 'application' });
  const added = await entra.principals.addSecret(plain.objectId, instant(entra.wall.now + 86_400_000));
  const plainSecret = added?.secret ?? '';
  return {
    ...entra,
    ...{ plain, plainSecret, withToken, tokenOf, setRoles },
    admin: withToken(await tokenOf(entra.application.appId, entra.secret)),
    stranger: withToken(await tokenOf(plain.appId, plainSecret)),
  };
}

export type Graph = Awaited<ReturnType<typeof startGraph>>;

export const valueOf = (answer: Answer): readonly Readonly<Record<string, unknown>>[] =>
  answer.body['value'] as readonly Readonly<Record<string, unknown>>[];
export const idOf = (answer: Answer): Guid => parseGuid(String(answer.body['id'])) as Guid;
export const errorOf = ({ status, body }: Answer): readonly [number, string, string] => {
  const error = body['error'] as { code: string; message: string };
  return [status, error.code, error.message];
};
export const reference = (id: string) => ({ '@odata.id': `https://graph.microsoft.com/v1.0/directoryObjects/${id}` });
export const denied = [
  403,
  'Authorization_RequestDenied',
  'Insufficient privileges to complete the operation.',
] as const;
export const missing = (id: string) =>
  [
    404,
    'Request_ResourceNotFound',
    `Resource '${id}' does not exist or one of its queried reference-property objects are not present.`,
  ] as const;
