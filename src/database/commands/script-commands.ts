import { newGuid } from '../../base/guid.ts';
import { CommitRefusedError, DataError } from '../catalog/data-error.ts';
import { KqlError } from '../../kql/plan/kql-error.ts';
import type { Command, CommandRow, Row, RunNested } from './command.ts';
import type { CommandContext } from './command-context.ts';
import { commandName, commandTypeOf } from './command-type.ts';
import { ForbiddenError } from './forbidden-error.ts';

const commandsMax = 1_000;

/** Each command starts on a line of its own with a dot. Lines that are comments or empty go with the command before them. */
function splitScript(script: string): string[] {
  const commands: string[] = [];
  for (const line of script.split(/\r?\n/)) {
    if (/^\s*\./.test(line)) commands.push(line);
    else if (commands.length > 0) commands[commands.length - 1] = `${commands.at(-1) ?? ''}\n${line}`;
    else if (!/^\s*(\/\/.*)?$/.test(line)) throw new KqlError('syntax', 'A script consists of management commands.');
  }
  return commands.map((command) => command.trim());
}

/** What a script may do: define things, not read or delete them. */
const verbs = /^\.(create|create-or-alter|create-merge|alter|alter-merge|add)\s/i;

async function execute(command: Command, context: CommandContext, nested: RunNested): Promise<readonly Row[]> {
  const { ContinueOnErrors, ThrowOnErrors } = command.properties(['ContinueOnErrors', 'ThrowOnErrors']);
  const commands = splitScript(command.raw);
  if (commands.length > commandsMax) throw new KqlError('limits', `A script has at most ${commandsMax} commands.`);
  const rows: Row[] = [];
  let stopped = false;
  for (const text of commands) {
    const head = [newGuid(context.randomBytes), commandTypeOf(text), text] as const;
    if (stopped) {
      rows.push([...head, 'Skipped', '']);
      continue;
    }
    try {
      if (!verbs.test(text))
        throw new KqlError('notSupported', `The command '${commandName(text)}' cannot stand in a script.`);
      await nested(text);
      rows.push([...head, 'Completed', '']);
    } catch (error) {
      const told = error instanceof KqlError || error instanceof DataError || error instanceof ForbiddenError;
      if (!told || error instanceof CommitRefusedError || ThrowOnErrors?.toLowerCase() === 'true') throw error;
      rows.push([...head, 'Failed', error.message]);
      stopped = ContinueOnErrors?.toLowerCase() !== 'true';
    }
  }
  return rows;
}

/** @see Kusto ".execute database script" */
export const scriptCommands: readonly CommandRow[] = [
  {
    kinds: {
      ExecuteDatabaseScript: [
        '.execute database script <| .create-merge table T (A: long)',
        'execute database script with <|',
      ],
    },
    permission: 'admin',
    columns: 'OperationId: guid, CommandType: string, CommandText: string, Result: string, Reason: string',
    run: execute,
  },
];
