import { newGuid } from '../../base/new-guid.ts';
import { instant } from '../../clock/clock.ts';
import { ForbiddenError } from '../../database/commands/forbidden-error.ts';
import { runCommand } from '../../database/commands/run-command.ts';
import type { ScriptStep } from '../../database/commands/script-commands.ts';
import { runScript } from '../../database/commands/script-commands.ts';
import { KqlError } from '../../kql/plan/kql-error.ts';
import type { ScriptCall, ScriptReply } from '../messages/scripts.ts';
import { KustoError, kustoError } from './errors/kusto-error.ts';
import type { DataPlanePorts } from './ports.ts';
import { commandTimeoutMs } from './requests/request-options.ts';
import { openContext } from './run-command.ts';

/** A bound for what goes back to the resource manager. */
const messageMax = 10_000;

/** Runs a script for the resource manager, each command with the rights of the one who asked. */
export async function runResourceScript(
  ports: DataPlanePorts,
  { access, database, script, continueOnErrors }: ScriptCall,
): Promise<ScriptReply> {
  const controller = new AbortController();
  const activityId = newGuid(ports.randomBytes);
  const clientRequestId = `KustodyScript;${activityId}`;
  ports.host.tell(instant(access.now));
  const cancelTimer = ports.startTimer(commandTimeoutMs, () =>
    controller.abort(kustoError('timeout', 'The script took too long.')),
  );
  const { caller, machines } = access;
  const view = {
    ...{ clientRequestId, text: script, database, startedOn: instant(access.now), activityId },
    ...{ principal: caller.fqn, user: caller.displayName, application: 'Kustody' },
    kind: 'command' as const,
  };
  const startedMs = ports.monotonicMs();
  const done = ports.activity.begin();
  let reply: ScriptReply | undefined;
  try {
    const place = await ports.running.enter({ view, controller }, { machines });
    try {
      const about = { database, clientRequestId, activityId, signal: controller.signal, place };
      const context = await openContext(ports, access, about);
      const steps = await runScript(script, continueOnErrors, (text) => runCommand(context, text));
      await ports.lease.require();
      reply = outcomeOf(steps, continueOnErrors);
      return reply;
    } finally {
      place.end({
        on: ports.clock.now(),
        milliseconds: ports.monotonicMs() - startedMs,
        state: reply?.outcome === 'ran' ? 'Completed' : 'Failed',
        failure: reply?.outcome === 'failed' ? reply.message : '',
      });
    }
  } catch (error) {
    if (error instanceof KqlError) return failed('unsupported', error.message);
    if (error instanceof KustoError) return { outcome: 'unavailable' };
    throw error;
  } finally {
    cancelTimer();
    done();
  }
}

/** Who may not do what a command does is told so, whether or not the others shall be tried. */
function outcomeOf(steps: readonly ScriptStep[], continueOnErrors: boolean): ScriptReply {
  const errors = steps.flatMap(({ error }) => error ?? []);
  const forbidden = errors.find((error) => error instanceof ForbiddenError);
  if (forbidden !== undefined) return failed('unauthorized', forbidden.message);
  const [error] = errors;
  if (error === undefined || continueOnErrors) return { outcome: 'ran' };
  return failed(error instanceof KqlError && error.code === 'notSupported' ? 'unsupported' : 'command', error.message);
}

const failed = (kind: 'unauthorized' | 'unsupported' | 'command', message: string): ScriptReply => ({
  outcome: 'failed',
  kind,
  message: message.slice(0, messageMax),
});
