import { writeFileSync } from 'node:fs';
import { Socket } from 'node:net';
import { invariant } from '../../base/invariant.ts';
import { Channel } from '../messages/channel.ts';
import type { TakenSocket } from '../messages/handed-socket.ts';
import { isHandedSocket } from '../messages/handed-socket.ts';
import type { SupervisorCall, SupervisorCalls } from '../messages/supervisor-calls.ts';
import type { SupervisorReplies } from '../messages/supervisor-replies.ts';
import { compose } from './compose.ts';
import { loadVaultSdk } from './vault-key-wrapper.ts';

// The process of one cluster: it alone holds the cluster's keys. Its parent is the supervisor; when that is gone, so is this.

process.umask(0o077);
forbidMemoryDumps();

const channel = new Channel({
  send: post,
  serve: (operation, body) => serve(operation as SupervisorCall, body as never),
});
const composed = compose((operation, body) => channel.call(operation, body));

void loadVaultSdk(); // everybody's first call needs it, and it takes longest

process.on('message', (message, handle) => {
  if (!isHandedSocket(message)) {
    channel.receive(message);
    return;
  }
  if (handle instanceof Socket) composed.take(handle, message);
  post({ kind: 'taken', id: message.id } satisfies TakenSocket);
});
process.on('disconnect', () => {
  process.exit(0);
});

function post(message: unknown): void {
  invariant(process.send !== undefined, 'a cluster process is started by its supervisor');
  process.send(message, (error: Error | null) => {
    if (error !== null) process.exit(0);
  });
}

async function serve<Call extends SupervisorCall>(
  operation: Call,
  body: SupervisorCalls[Call],
): Promise<SupervisorReplies[Call]> {
  invariant(Object.hasOwn(composed.operations, operation), 'the supervisor calls what there is');
  return composed.operations[operation](body);
}

/** A core file of this process would hold keys. Elsewhere than on Linux this is left to the system's own settings. */
function forbidMemoryDumps(): void {
  try {
    writeFileSync('/proc/self/coredump_filter', '0');
  } catch {
    // not Linux, or a /proc that cannot be written
  }
}
