import { Command } from 'commander';
import { isJsonObject, textMember } from '../base/json.ts';
import { requireInstance } from './control-client.ts';
import { parseDuration } from './duration.ts';
import { dataDirectoryOf, dataOption, jsonOption } from './options.ts';
import { UserError } from './user-error.ts';

interface ClockOptions {
  readonly data?: string;
  readonly json: boolean;
}

export function clockCommand(): Command {
  const clock = new Command('clock')
    .description(
      'Show or move the clock of a running instance. Keys, soft delete, retention and key checks follow it; tokens and TLS follow the real one.',
    )
    .addHelpText('after', '\nExamples:\n  $ kustody clock show\n  $ kustody clock advance 90d');
  const simple = {
    show: ['GET', '/clock', 'Show the time, and whether it is virtual or frozen.'],
    freeze: ['POST', '/clock/freeze', 'Let the clock stand still.'],
    resume: ['POST', '/clock/resume', 'Let the clock run again, from where it stands.'],
    accept: ['POST', '/clock/accept', "Accept steps of the machine's clock; until then nothing is purged."],
  } as const;
  for (const [name, [method, path, description]] of Object.entries(simple)) {
    clock
      .command(name)
      .description(description)
      .addOption(dataOption())
      .addOption(jsonOption())
      .addHelpText('after', `\nExample:\n  $ kustody clock ${name}`)
      .action(async (options: ClockOptions) => print(await call(options, method, path), options.json));
  }
  clock
    .command('advance')
    .description('Move the clock forward. Everything that falls due on the way happens before this returns.')
    .argument('<duration>', 'such as 90s, 15m, 36h, 90d or P18M (months count 30 days)')
    .addOption(dataOption())
    .addOption(jsonOption())
    .addHelpText('after', '\nExample:\n  $ kustody clock advance 90d')
    .action(async (text: string, options: ClockOptions) => {
      const seconds = parseDuration(text);
      if (seconds === undefined) throw new UserError(`'${text}' is no duration.`, 'Write 90s, 15m, 36h, 90d or P90D.');
      print(await call(options, 'POST', '/clock/advance', { seconds }), options.json);
    });
  return clock;
}

async function call(
  options: ClockOptions,
  method: 'GET' | 'POST',
  path: string,
  body?: { seconds: number },
): Promise<unknown> {
  return (await requireInstance(dataDirectoryOf(options))).call(method, path, body);
}

function print(reading: unknown, json: boolean): void {
  if (json || !isJsonObject(reading)) {
    process.stdout.write(`${JSON.stringify(reading)}\n`);
    return;
  }
  const kind = reading['virtual'] === true ? (reading['frozen'] === true ? 'virtual, frozen' : 'virtual') : 'real';
  process.stdout.write(
    `${textMember(reading, 'now')}  (${kind}, ${JSON.stringify(reading['aheadSeconds'])} s ahead of the machine)\n`,
  );
  if (isJsonObject(reading['heldJump'])) {
    process.stdout.write(
      `The machine's clock showed ${textMember(reading['heldJump'], 'to')} when it should have shown ${textMember(reading['heldJump'], 'from')}, or Kustody cannot tell because the machine was off. Nothing is purged, expired or pruned until 'kustody clock accept'.\n`,
    );
  }
}
