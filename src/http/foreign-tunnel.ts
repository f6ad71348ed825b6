import type { LookupAddress } from 'node:dns';
import { connect } from 'node:net';
import type { LookupFunction, Socket } from 'node:net';
import type { HostName } from '../base/names.ts';
import { isAllowedAddress } from './allowed-hosts.ts';
import type { EdgeContext } from './edge-context.ts';
import { endWithAnswer, textAnswer } from './raw-answer.ts';

interface Target {
  readonly host: HostName;
  readonly port: number;
}

/** Joins a CONNECT socket with a foreign host that the user let through. Its TLS is the client's own affair: nothing is read. The name is
 * resolved once, and only an address that was looked at is connected to. */
export async function tunnelToForeignHost(
  context: EdgeContext,
  target: Target,
  client: Socket,
  head: Buffer,
): Promise<void> {
  const addresses = await context.resolveHost(target.host).catch(() => []);
  if (client.destroyed) return;
  const allowed = addresses.filter(({ address }) => isAllowedAddress(context.allowedHosts, target.host, address));
  if (allowed.length > 0) {
    join(context, target, allowed, client, head);
    return;
  }
  const text =
    addresses.length === 0
      ? unreachable(target.host)
      : `Host '${target.host}' leads to an address that is not public and is not let through. To let it through, name its range when you start Kustody, for example: --allow 10.0.0.0/8`;
  endWithAnswer(client, textAnswer(502, text), context.startTimer);
}

const unreachable = (host: HostName): string => `Host '${host}' could not be reached.`;

function join(
  { limits, startTimer, connections }: EdgeContext,
  { host, port }: Target,
  addresses: readonly LookupAddress[],
  client: Socket,
  head: Buffer,
): void {
  const remote = connect({ host, port, lookup: answering(addresses) });
  connections.addSocket(remote);
  let connected = false;
  const cancel = startTimer(limits.connectTimeoutMs, () => remote.destroy(new Error('connect timeout')));
  client.once('close', () => remote.destroy());
  remote.on('error', () => remote.destroy());
  remote.once('connect', () => {
    cancel();
    connected = true;
    for (const socket of [client, remote]) {
      socket.setTimeout(limits.foreignIdleTimeoutMs, () => socket.destroy());
    }
    client.write('HTTP/1.1 200 Connection Established\r\n\r\n');
    if (head.length > 0) remote.write(head);
    client.pipe(remote);
    remote.pipe(client);
  });
  remote.once('close', () => {
    cancel();
    if (connected) client.destroySoon();
    else endWithAnswer(client, textAnswer(502, unreachable(host)), startTimer);
  });
}

/** Node asks again when it connects; it gets the addresses that were looked at. */
const answering =
  (addresses: readonly LookupAddress[]): LookupFunction =>
  (_host, options, callback) => {
    const [first = { address: '', family: 4 }] = addresses;
    if (options.all === true) callback(null, [...addresses]);
    else callback(null, first.address, first.family);
  };
