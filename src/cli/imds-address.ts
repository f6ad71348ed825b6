import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, request as httpRequest } from 'node:http';
import { once } from 'node:events';
import { imdsPath } from '../identity/managed/endpoint-form.ts';
import { systemProblem } from './system-problem.ts';
import { UserError } from './user-error.ts';

/** Where every program of a virtual machine asks for tokens that is told of nothing else. */
export const imdsAddress = '169.254.169.254';

/** Answers there as the endpoint at `target` does. Whoever reaches the address is the identity, as on a virtual machine.
 * @param target URL of an endpoint in the form of a virtual machine
 * @returns ends it @throws UserError where this machine does not have the address, or its port cannot be had */
export async function openImdsAddress(target: string): Promise<() => Promise<void>> {
  const server = createServer({ maxHeaderSize: 16_384 }, (request, response) => passOn(target, request, response));
  server.maxConnections = 100;
  server.requestTimeout = 30_000;
  try {
    server.listen(80, imdsAddress);
    await once(server, 'listening');
  } catch (error) {
    const problem = systemProblem(error);
    if (problem === undefined) throw error;
    throw new UserError(
      `No program can be answered at ${imdsAddress}, port 80: ${problem}.`,
      `Root gives this machine the address with \`ip addr add ${imdsAddress}/32 dev lo\`, best in a network namespace of its own (\`unshare -n\`). The form vm needs neither.`,
    );
  }
  return async () => {
    const closed = once(server, 'close');
    server.close();
    server.closeAllConnections();
    await closed;
  };
}

function passOn(target: string, { method, url = '', headers }: IncomingMessage, response: ServerResponse): void {
  const fail = (status: number, error: string): void => {
    if (response.headersSent) response.destroy();
    else response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify({ error }));
  };
  if (method !== 'GET' || url.split('?', 1)[0] !== imdsPath) {
    fail(404, 'not_found');
    return;
  }
  const kept = ['metadata', 'x-forwarded-for', 'user-agent', 'x-ms-client-request-id'];
  const sent = Object.fromEntries(Object.entries(headers).filter(([name]) => kept.includes(name)));
  const asking = httpRequest(`${target}${url}`, { method, headers: sent }, (answer) => {
    response.writeHead(answer.statusCode ?? 502, {
      'content-type': answer.headers['content-type'] ?? 'application/json',
    });
    answer.pipe(response);
    answer.once('error', () => fail(502, 'unavailable'));
  });
  asking.once('error', () => fail(502, 'unavailable'));
  response.once('close', () => asking.destroy());
  asking.end();
}
