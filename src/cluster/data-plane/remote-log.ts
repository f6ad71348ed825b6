import type { Log, LogFields } from '../../http/logging.ts';
import { describeError } from '../../http/logging.ts';
import { ChannelBusyError } from '../messages/channel.ts';
import type { CallMain, LogCall } from '../messages/data-plane-calls.ts';

/** Lines of a cluster process stand in the log of its main process. As everywhere, there is no place in them for what a client sent. */
export function remoteLog(call: CallMain): Log {
  let lost = 0;
  const send = (line: LogCall): void => {
    call('log', line).then(sayLost, (error: unknown) => {
      if (error instanceof ChannelBusyError) lost += 1;
      // else the main process is gone, and so are we
    });
  };
  const say = (method: 'event' | 'warning' | 'failure', name: string, fields: LogFields = {}): void =>
    send({ method, name, fields });
  const sayLost = (): void => {
    const lines = lost;
    lost = 0;
    if (lines > 0) say('warning', 'log-lines-lost', { lines });
  };
  return {
    request: (line, seen) =>
      send({ method: 'request', name: 'request', fields: { ...line, plane: 'kusto' }, ...(seen && { seen }) }),
    event: (name, fields) => say('event', name, fields),
    warning: (name, fields) => say('warning', name, fields),
    failure: (name, error, fields) => say('failure', name, { ...fields, error: JSON.stringify(describeError(error)) }),
  };
}
