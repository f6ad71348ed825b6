import { newGuid } from '../../base/new-guid.ts';
import { CommitRefusedError, DataError } from '../catalog/data-error.ts';
import { KqlError } from '../../kql/plan/kql-error.ts';
import type { Command, CommandRow, Row, RunNested } from './command.ts';
import type { CommandContext } from './command-context.ts';
import { commandName, commandTypeOf } from './command-type.ts';
import { ForbiddenError } from './forbidden-error.ts';
import { boolOf } from './view-properties.ts';

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

const isShow = (text: string): boolean => /^\.show\s/i.test(text);

/** What a command is about that is not about a database. */
const ofCluster = /^\.(?!execute\b)[a-z-]+\s+(async\s+)?(cluster|workload_group|plugin)\b/i;

/** What stands in a script: of the resource manager, which refuses what only reads; of a command, which skips that. */
type ScriptScope = 'resource' | 'database' | 'cluster';

/** @throws KqlError `notSupported` */
function requireScope(text: string, scope: ScriptScope): void {
  if (scope === 'cluster' ? ofCluster.test(text) : verbs.test(text)) return;
  const why = scope === 'cluster' ? ' of the cluster: it is about a database' : '';
  throw new KqlError('notSupported', `The command '${commandName(text)}' cannot stand in a script${why}.`);
}

/** What became of one command of a script. */
export interface ScriptStep {
  readonly text: string;
  readonly result: 'Completed' | 'Failed' | 'Skipped';
  readonly error?: Error;
}

/** Runs the commands of a script one after the other. After one that failed the others are skipped, unless all shall be tried.
 * @throws KqlError for what is no script; whatever is no failure of a command itself */
export async function runScript(
  script: string,
  continueOnErrors: boolean,
  run: (command: string) => Promise<unknown>,
  scope: ScriptScope = 'resource',
): Promise<readonly ScriptStep[]> {
  const commands = splitScript(script);
  if (commands.length > commandsMax) throw new KqlError('limits', `A script has at most ${commandsMax} commands.`);
  const steps: ScriptStep[] = [];
  let stopped = false;
  for (const text of commands) {
    if (stopped || (scope !== 'resource' && isShow(text))) {
      steps.push({ text, result: 'Skipped' });
      continue;
    }
    try {
      requireScope(text, scope);
      await run(text);
      steps.push({ text, result: 'Completed' });
    } catch (error) {
      const told = error instanceof KqlError || error instanceof DataError || error instanceof ForbiddenError;
      if (!told || error instanceof CommitRefusedError) throw error;
      steps.push({ text, result: 'Failed', error });
      stopped = !continueOnErrors;
    }
  }
  return steps;
}

async function execute(command: Command, context: CommandContext, nested: RunNested): Promise<readonly Row[]> {
  const { ContinueOnErrors, ThrowOnErrors } = command.properties(['ContinueOnErrors', 'ThrowOnErrors']);
  const throws = boolOf('ThrowOnErrors', ThrowOnErrors) === true;
  const continues = boolOf('ContinueOnErrors', ContinueOnErrors) === true;
  if (throws && continues)
    throw new KqlError('semantic', "The properties 'ContinueOnErrors' and 'ThrowOnErrors' exclude each other.");
  const scope = command.kind === 'ExecuteClusterScript' ? 'cluster' : 'database';
  const steps = await runScript(command.raw, continues, nested, scope);
  const failed = steps.find(({ error }) => error !== undefined)?.error;
  if (throws && failed !== undefined) throw failed;
  return steps.map(({ text, result, error }) => [
    ...([newGuid(context.randomBytes), commandTypeOf(text), text] as const),
    ...([result, error?.message ?? ''] as const),
  ]);
}

const stepColumns = 'OperationId: guid, CommandType: string, CommandText: string, Result: string, Reason: string';

/** @see Kusto ".execute database script", ".execute cluster script" */
export const scriptCommands: readonly CommandRow[] = [
  {
    kinds: {
      ExecuteDatabaseScript: [
        '.execute database script <| .create-merge table T (A: long)',
        'execute database script with <|',
        'execute script with <|',
      ],
    },
    permission: 'admin',
    columns: stepColumns,
    run: execute,
  },
  {
    kinds: {
      ExecuteClusterScript: [
        '.execute cluster script <| .alter cluster policy caching hot = 10d',
        'execute cluster script with <|',
      ],
    },
    permission: 'clusterAdmin',
    columns: stepColumns,
    run: execute,
  },
];
