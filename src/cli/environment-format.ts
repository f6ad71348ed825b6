import type { Environment } from './client-environment.ts';

export const environmentFormats = {
  /** For `eval` in any POSIX shell. */
  shell: formatForShell,
  powershell: formatForPowerShell,
  /** For dotenv libraries, `node --env-file` and compose files; variables to remove cannot be said there. */
  dotenv: formatForDotenv,
  /** One object; `null` for variables to remove. */
  json: (environment: Environment): string =>
    `${JSON.stringify(environment, (_name, value: unknown) => value ?? null, 2)}\n`,
} as const satisfies Record<string, (environment: Environment) => string>;

export type EnvironmentFormat = keyof typeof environmentFormats;

/** A value that the wanted form cannot carry; says which variable, not the value. */
export class EnvironmentFormatError extends Error {
  override readonly name = 'EnvironmentFormatError';
  constructor(
    readonly variable: string,
    form: string,
  ) {
    super(`The value of ${variable} has characters that ${form} cannot carry.`);
  }
}

function formatForShell(environment: Environment): string {
  return lines(environment, (name, value) => {
    if (value === undefined) return `unset ${name}`;
    if (value.includes('\0')) throw new EnvironmentFormatError(name, 'a shell variable');
    return `export ${name}='${value.replaceAll("'", `'\\''`)}'`;
  });
}

function formatForPowerShell(environment: Environment): string {
  return lines(environment, (name, value) => {
    if (value === undefined) return `Remove-Item Env:${name} -ErrorAction SilentlyContinue`;
    if (value.includes('\0')) throw new EnvironmentFormatError(name, 'a PowerShell variable');
    return `$env:${name} = '${value.replace(/['\u2018\u2019\u201a\u201b]/g, '$&$&')}'`; // all of these quote there
  });
}

/** There is no one dotenv language: only what the usual readers agree on is written. Single quotes are literal in all of them (but for `${`, which one reader expands everywhere);
 * double quotes stand in when the value has a single quote and nothing that some reader expands. */
function formatForDotenv(environment: Environment): string {
  return lines(environment, (name, value) => {
    if (value === undefined) return undefined;
    if (/^[A-Za-z0-9_.,:/@%+|[\]*~=-]*$/.test(value)) return `${name}=${value}`;
    if (/[\0\r]|\$\{/.test(value)) throw new EnvironmentFormatError(name, 'a dotenv file');
    if (!value.includes("'") && !/\\\\|\\$/.test(value)) return `${name}='${value}'`;
    if (!/["$\\`\n]/.test(value)) return `${name}="${value}"`;
    throw new EnvironmentFormatError(name, 'a dotenv file');
  });
}

function lines(
  environment: Environment,
  format: (name: string, value: string | undefined) => string | undefined,
): string {
  const formatted = Object.entries(environment).map(([name, value]) => format(name, value));
  return formatted.flatMap((line) => (line === undefined ? [] : [`${line}\n`])).join('');
}
