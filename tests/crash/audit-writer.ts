// Does operations in one directory without end, each with its event; says on standard output which were acknowledged. Made to be killed.
import { writeSync } from 'node:fs';
import { AuditLog } from '../../src/audit/audit-log.ts';
import { newGuid } from '../../src/base/new-guid.ts';
import { systemRandomBytes } from '../../src/base/random.ts';
import { instant, toIso } from '../../src/clock/clock.ts';
import type { State } from '../../src/state/state.ts';
import { writeRecord } from '../../src/state/state.ts';
import { done, openAuditedState } from './audited-state.ts';
import { operationFacts } from './operation-facts.ts';

const [directory = '', writers = '1'] = process.argv.slice(2);
const clock = { now: () => instant(Date.UTC(2026, 0, 1)) };
void main();

async function main(): Promise<void> {
  const state = await openAuditedState(directory);
  const log = new AuditLog(state, clock);
  await log.checkpoint();
  await Promise.all(Array.from({ length: Number(writers) }, (_, writer) => work(state, log, String(writer))));
}

/** Two of three operations change something: a record under the id of the request, and the writer's last one. */
async function work(state: State, log: AuditLog, writer: string): Promise<never> {
  for (let step = 0; ; step++) {
    const requestId = newGuid(systemRandomBytes);
    const event = {
      ...{ time: toIso(clock.now()), requestId, correlationId: requestId, durationMs: 0 },
      facts: operationFacts(writer),
    };
    const last = await state.get(done, `last/${writer}`);
    const write =
      step % 3 === 0
        ? []
        : [
            writeRecord(done, `one/${requestId}`, null, step),
            writeRecord(done, `last/${writer}`, last?.version ?? null, step),
          ];
    await log.commit({ events: [event], write });
    writeSync(1, `${write.length === 0 ? 'read' : 'change'} ${requestId}\n`);
  }
}
