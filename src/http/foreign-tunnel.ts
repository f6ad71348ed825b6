import { connect } from 'node:net';
import type { Socket } from 'node:net';
import type { HostName } from '../base/names.ts';
import type { EdgeContext } from './edge-context.ts';
import { endWithAnswer, textAnswer } from './raw-answer.ts';

/** Joins a CONNECT socket with a foreign host that the user let through. Its TLS is the client's own affair: nothing is read. */
export function tunnelToForeignHost(
  context: EdgeContext,
  target: { readonly host: HostName; readonly port: number },
  client: Socket,
  head: Buffer,
): void {
  const { limits, startTimer } = context;
  const remote = connect({ host: target.host, port: target.port });
  context.connections.addSocket(remote);
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
    else endWithAnswer(client, textAnswer(502, `Host '${target.host}' could not be reached.`), startTimer);
  });
}
