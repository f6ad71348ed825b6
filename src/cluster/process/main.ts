import { writeFileSync } from 'node:fs';
import { Socket } from 'node:net';
import { join } from 'node:path';
import { parseTraceparent } from '../../http/tracing/trace-context.ts';
import { mindNoSignals } from '../../base/mind-no-signals.ts';
import { invariant } from '../../base/invariant.ts';
import { Channel } from '../messages/channel.ts';
import type { TakenSocket } from '../messages/handed-socket.ts';
import { isHandedSocket } from '../messages/handed-socket.ts';
import type { SupervisorCall, SupervisorCalls } from '../messages/supervisor-calls.ts';
import type { SupervisorReplies } from '../messages/supervisor-replies.ts';
import type { ComposedProcess } from './compose.ts';
import { compose } from './compose.ts';
import { loadVaultSdk } from './vault-key-wrapper.ts';

// The process of one cluster: it alone holds the cluster's keys. Its parent is the supervisor; when that is gone, so is this.

/** What the script of the process runs: `launch.ts`. */
export interface ClusterProgram {
  start(): void;
  warmUp(): Promise<void>;
}

export function start(): void {
  process.umask(0o077);
  forbidMemoryDumps();
  mindNoSignals();
  const channel = new Channel({
    send: post,
    serve: (operation, body, trace) => serve(composed, operation as SupervisorCall, body as never, trace),
    trace: () => composed.tracer()?.traceparent,
  });
  const composed = compose((operation, body) => channel.call(operation, body));
  void loadVaultSdk(); // everybody's first call needs it, and it takes longest
  process.on('message', (message, handle) => {
    if (!isHandedSocket(message)) {
      channel.receive(message);
      return;
    }
    // Before anything is said on it: what was not taken is answered by the main process.
    post({ kind: 'taken', id: message.id } satisfies TakenSocket);
    if (handle instanceof Socket) composed.take(handle, message);
  });
  process.on('disconnect', () => {
    process.exit(0);
  });
}

/** Loads and does what a cluster needs for its first answers, with no cluster near: what is compiled by then need not be in later starts. */
export async function warmUp(): Promise<void> {
  await Promise.all([
    loadVaultSdk(),
    import('../data-plane/data-plane.ts'),
    import('./open-cluster-host.ts'),
    import('../data-plane/remote-log.ts'),
    import('./open-data-parts.ts'),
  ]);
  const { serveNobody } = await import('./warm-up.ts');
  await serveNobody(join(import.meta.dirname, 'kql-process.js'));
}

function post(message: unknown): void {
  invariant(process.send !== undefined, 'a cluster process is started by its supervisor');
  process.send(message, (error: Error | null) => {
    if (error !== null) process.exit(0);
  });
}

async function serve<Call extends SupervisorCall>(
  composed: ComposedProcess,
  operation: Call,
  body: SupervisorCalls[Call],
  trace: string | undefined,
): Promise<SupervisorReplies[Call]> {
  invariant(Object.hasOwn(composed.operations, operation), 'the supervisor calls what there is');
  const tracer = composed.tracer();
  const work = async () => composed.operations[operation](body);
  if (tracer === undefined || trace === undefined) return work();
  return tracer.run(parseTraceparent(trace), () => tracer.step(`engine ${operation}`, work));
}

/** A core file of this process would hold keys. Elsewhere than on Linux this is left to the system's own settings. */
function forbidMemoryDumps(): void {
  try {
    writeFileSync('/proc/self/coredump_filter', '0');
  } catch {
    // not Linux, or a /proc that cannot be written
  }
}
