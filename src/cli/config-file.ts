import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { InvalidArgumentError, Option } from 'commander';
import type { Command } from 'commander';
import type * as Yaml from 'yaml';
import { UserError } from './user-error.ts';

export const configOption = (): Option =>
  new Option(
    '--config <FILE>',
    'a YAML file that stands for options: their long names without dashes, with a list for what is repeatable; the command line comes before it',
  );

/** Gives options the values that the file of `--config` has for them, unless the command line has set them.
 * @throws UserError with the name of the setting that is wrong */
export function takeConfigFile(command: Command): void {
  const file: unknown = command.getOptionValue('config');
  if (typeof file !== 'string') return;
  for (const [name, value] of Object.entries(settingsIn(file))) {
    const option = command.options.find(({ long }) => long === `--${name}` && long !== '--config');
    if (option === undefined) throw unknownSetting(file, name, command);
    const key = option.attributeName();
    if (command.getOptionValueSource(key) === 'cli') continue;
    command.setOptionValueWithSource(key, valueFor(option, value, `${file}: ${name}`), 'config');
  }
}

function settingsIn(file: string): Readonly<Record<string, unknown>> {
  // Only here: no other command needs it.
  const { parse } = createRequire(import.meta.url)('yaml') as typeof Yaml;
  let settings: unknown;
  try {
    settings = parse(readFileSync(file, 'utf8'), { maxAliasCount: 0 });
  } catch (error) {
    throw new UserError(
      `The settings of ${file} cannot be read: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
  if (settings === null) return {};
  if (typeof settings !== 'object' || Array.isArray(settings))
    throw new UserError(`${file} has no settings.`, "Write one on a line, such as 'port: 443'.");
  return settings as Readonly<Record<string, unknown>>;
}

function unknownSetting(file: string, name: string, command: Command): UserError {
  const names = command.options
    .map(({ long }) => (long ?? '').replace(/^--/, ''))
    .filter((known) => known !== 'config');
  return new UserError(`${file}: there is no setting '${name}'.`, `There are ${names.join(', ')}.`);
}

/** What the command line would have made of it. */
function valueFor(option: Option, value: unknown, where: string): unknown {
  if (typeof value === 'boolean' && !option.required) return value || option.defaultValue;
  const texts = (Array.isArray(value) ? (value as readonly unknown[]) : [value]).map(textOf);
  const isRepeatable = Array.isArray(option.defaultValue);
  const takesThem = (option.required || option.optional) && (isRepeatable || !Array.isArray(value));
  if (!takesThem || texts.includes(undefined)) throw new UserError(`${where} takes ${kindOf(option)}.`);
  try {
    return (texts as readonly string[]).reduce<unknown>(
      (before, text) => (option.parseArg === undefined ? text : option.parseArg(text, before)),
      option.defaultValue,
    );
  } catch (error) {
    throw error instanceof InvalidArgumentError ? new UserError(`${where}: ${error.message}`) : error;
  }
}

const textOf = (value: unknown): string | undefined =>
  typeof value === 'string' || typeof value === 'number' ? String(value) : undefined;

function kindOf(option: Option): string {
  if (!option.required) return option.optional ? 'true, false or a text' : 'true or false';
  return Array.isArray(option.defaultValue) ? 'a list of texts' : 'a text or a number';
}
