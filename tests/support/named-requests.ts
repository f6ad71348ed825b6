import type { startServerFixture } from './server-fixture.ts';

type Fixture = Awaited<ReturnType<typeof startServerFixture>>;

interface Seen {
  readonly sequence: number;
  readonly method: string;
  readonly host: string;
  readonly path: string;
  readonly operation: string;
  readonly status: number;
  readonly callerId?: string;
  readonly bodies?: { readonly request?: { readonly text?: string } };
}

interface Traffic {
  readonly requests: readonly Seen[];
  readonly last: number;
  readonly bodies: { readonly recording: boolean };
}

/** Every request that arrives from now on, with its body. */
export async function followTraffic({ send, server }: Fixture) {
  const control = async (method: string, path: string, body?: unknown): Promise<Traffic> =>
    (await send({ host: 'localhost', method, path, token: server.controlToken, body })).body as Traffic;
  const { last: began } = await control('GET', '/traffic?after=0');
  const record = () => control('POST', '/traffic/bodies', { requests: 200, seconds: 900 });
  await record();
  return {
    /** @throws Error when the instance has kept less than all */
    seen: async (): Promise<readonly Seen[]> => {
      const { requests, last, bodies } = await control('GET', `/traffic?after=${began}`);
      if (requests.length !== last - began || !bodies.recording) throw new Error('Not every request was kept.');
      await record();
      return requests.filter(({ host }) => host !== 'localhost');
    },
  };
}

/** One that changes something, or might. */
export interface ChangingRequest {
  readonly request: string;
  readonly body?: unknown;
}

/** What was sent to an Azure, but for reads: GET, tokens, a list that the resource manager is asked for by POST, what a cluster does
 * with its key by itself, and what nobody was let in for.
 * @returns asked: queries and commands; wrappedBy: principals who wrapped or unwrapped, all of which have to be a cluster's */
export function sentRequests(requests: readonly Seen[]) {
  const changing: ChangingRequest[] = [];
  const asked: string[] = [];
  const wrappedBy = new Set<string>();
  for (const { method, host, path, operation, status, callerId, bodies } of requests) {
    if (method === 'GET' || status === 401) continue;
    if (host === 'login.microsoftonline.com' && /\/oauth2\/v2\.0\/token\?/.test(path)) continue;
    if (operation === 'Clusters_ListFollowerDatabases') continue;
    const text = bodies?.request?.text;
    const body = text === undefined ? undefined : (JSON.parse(text) as { csl?: string });
    if (operation === 'UnwrapKey' || operation === 'WrapKey') wrappedBy.add(callerId ?? 'nobody');
    else if (host.endsWith('.kusto.windows.net') && /^\/v1\/rest\/(?:query|mgmt)$/.test(path))
      asked.push(body?.csl ?? 'nothing');
    else changing.push({ request: `${method} ${host}${path.split('?')[0]}`, ...(body === undefined ? {} : { body }) });
  }
  return { changing, asked, wrappedBy };
}

/** What a drill said that it is going to send, as the requests that these sentences mean by Azure's reference: each way's changes in their
 * order, then what undoes them, the last first. @throws Error for a sentence that means nothing */
export function namedRequests(screen: string, tenantId: string) {
  const [, plan = ''] = screen.split('whatever happens:\n');
  const ways: string[] = [];
  const requests: ChangingRequest[] = [];
  let undo: ChangingRequest[] = [];
  let principal = '';
  const resource = /^Cluster (.*)\/providers\/Microsoft\.Kusto/m.exec(screen)?.[1] ?? '';
  for (const line of plan.split('\n')) {
    const way = /^ {2}(?! |not done)(.*)/.exec(line)?.[1];
    if (way !== undefined) {
      ways.push(way);
      requests.push(...undo.splice(0));
      continue;
    }
    const sent = /^ {4}- (.*)/.exec(line)?.[1];
    if (sent === undefined) continue;
    const { take, back, who } = meaningOf(sent, resource, tenantId);
    requests.push(take);
    undo = [...back, ...undo];
    principal = who ?? principal;
  }
  requests.push(...undo);
  const [, ...asked] = /^Nothing else is sent but reads, '(.*)' and '(.*)' in database db\.$/m.exec(plan) ?? [];
  return { ways, requests, asked, principal };
}

interface Meaning {
  readonly take: ChangingRequest;
  readonly back: readonly ChangingRequest[];
  readonly who?: string;
}

function meaningOf(sent: string, resource: string, tenantId: string): Meaning {
  const disabled = /^disable version (\w{32}) of key '(.*)' in vault (.*)$/.exec(sent);
  if (disabled !== null) {
    const [, version, key, vault] = disabled;
    const request = `PATCH ${vault}.vault.azure.net/keys/${key}/${version}`;
    const set = (enabled: boolean): ChangingRequest => ({ request, body: { attributes: { enabled } } });
    return { take: set(false), back: [set(true)] };
  }
  const removed = /^take (.*) on keys of vault (.*) away from principal (.*)$/.exec(sent);
  if (removed !== null) {
    const [, keys = '', vault, objectId = ''] = removed;
    const to = (operation: string): ChangingRequest => ({
      request: `PUT management.azure.com${resource}/providers/Microsoft.KeyVault/vaults/${vault}/accessPolicies/${operation}`,
      body: {
        properties: { accessPolicies: [{ tenantId, objectId, permissions: { keys: keys.split(', ') } }] },
      },
    });
    return { take: to('remove'), back: [to('add')], who: objectId };
  }
  const asked = /^ask vault (.*) to recover key '(.*)', which it has not/.exec(sent);
  if (asked !== null)
    return { take: { request: `POST ${asked[1]}.vault.azure.net/deletedkeys/${asked[2]}/recover` }, back: [] };
  const deleted = /^delete key '(.*)' of vault (.*), and recover it$/.exec(sent);
  if (deleted === null) throw new Error(`'${sent}' names no request.`);
  const [, key, vault] = deleted;
  const host = `${vault}.vault.azure.net`;
  return {
    take: { request: `DELETE ${host}/keys/${key}` },
    back: [{ request: `POST ${host}/deletedkeys/${key}/recover` }],
  };
}
