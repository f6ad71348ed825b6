import type { FastifyReply, FastifyRequest } from 'fastify';
import type { IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { PortalError } from './portal-error.ts';

/** What a call of a plane needs. */
export interface PlaneCallParts {
  /** Our own edge: nothing else can be reached through here. */
  readonly edge: () => { readonly address: string; readonly port: number; readonly ca: string };
  /** A token of the instance's application, as its client secret gets it from Entra ID. @param resource for example `https://vault.azure.net` */
  readonly token: (resource: string) => Promise<string>;
}

/** Hosts of planes, and whom a token for them is for. */
const audiences: readonly { readonly host: RegExp; readonly resource: string }[] = [
  { host: /^management\.azure\.com$/, resource: 'https://management.azure.com' },
  { host: /^graph\.microsoft\.com$/, resource: 'https://graph.microsoft.com' },
  { host: /^[a-z0-9-]{1,63}\.vault\.azure\.net$/, resource: 'https://vault.azure.net' },
  { host: /^[a-z0-9-]{1,63}\.[a-z0-9-]{1,40}\.kusto\.windows\.net$/, resource: 'https://kusto.kusto.windows.net' },
];

/** Of the page's request, with how its body is framed: Node frames none of a GET by itself, and a plane would take it for another request. All
 * else (cookies, the page token, where it comes from) is between the page and the portal. */
const passedOn = /^(?:accept|content-type|content-length|transfer-encoding|if-match|if-none-match|prefer|x-ms-[\w-]+)$/;
const passedBack =
  /^(?:content-type|content-length|etag|location|azure-asyncoperation|retry-after|www-authenticate|x-ms-[\w-]+)$/;

/** Calls under way at one time, for all sessions together. */
const callsMax = 64;
/** Longer than the longest query may take. */
const callMs = 65 * 60_000;

/** Passes requests for `/portal/planes/{host}/{path}` on to that host, the public way, with a token of the instance's own application: whoever
 * asks has the rights of that application there and no others. Bodies go through in pieces, both ways; a page that goes away ends the
 * request in the plane, too. */
export function createPlaneCalls(
  parts: PlaneCallParts,
): (request: FastifyRequest, reply: FastifyReply) => Promise<void> {
  let underWay = 0;
  return async (request, reply) => {
    const { host, path } = targetOf(request.raw.url ?? '');
    if (underWay >= callsMax) throw new PortalError(429, 'TooManyCalls', `The portal has ${callsMax} calls under way.`);
    underWay += 1;
    try {
      const { resource } = host;
      await passOn(parts, request, reply, { host: host.name, path, token: await parts.token(resource) });
    } finally {
      underWay -= 1;
    }
  };
}

function targetOf(url: string): {
  readonly host: { readonly name: string; readonly resource: string };
  readonly path: string;
} {
  const [, sent = '', path = ''] = /^\/+portal\/+planes\/+([^/?]+)(.*)$/i.exec(url) ?? [];
  const name = sent.toLowerCase();
  const audience = audiences.find(({ host }) => host.test(name));
  if (audience === undefined)
    throw new PortalError(
      400,
      'UnknownHost',
      'The portal calls the resource manager, Graph, vaults and clusters of this instance only.',
    );
  return { host: { name, resource: audience.resource }, path: path.startsWith('/') ? path : `/${path}` };
}

interface Target {
  readonly host: string;
  readonly path: string;
  readonly token: string;
}

async function passOn(
  { edge }: PlaneCallParts,
  { raw }: FastifyRequest,
  reply: FastifyReply,
  { host, path, token }: Target,
): Promise<void> {
  const { address, port, ca } = edge();
  const headers = Object.entries(raw.headers).filter(([name]) => passedOn.test(name));
  const call = httpsRequest({
    ...{ host: address, port, servername: host, ca, agent: false, method: raw.method ?? 'GET', path },
    headers: { ...Object.fromEntries(headers), host, authorization: `Bearer ${token}` },
    signal: AbortSignal.timeout(callMs),
  });
  const leave = (): void => void call.destroy();
  reply.raw.once('close', leave);
  try {
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      call.on('response', resolve).on('error', reject);
      raw.pipe(call);
    });
    const back = Object.entries(answer.headers).filter(([name]) => passedBack.test(name));
    void reply.code(answer.statusCode ?? 502).headers(Object.fromEntries(back));
    await reply.send(answer);
  } catch {
    if (reply.raw.destroyed) return;
    throw new PortalError(
      502,
      'NoAnswer',
      `'${host}' did not answer: there is no such host in this instance, or it ended the connection.`,
    );
  } finally {
    if (reply.raw.destroyed) leave();
  }
}
