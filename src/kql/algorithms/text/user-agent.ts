import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

/** A pattern with what it gives besides its groups: as uap-core has them, field by field. */
type Rule = Readonly<Record<string, string>>;
type RuleFile = Readonly<Record<'user_agent_parsers' | 'os_parsers' | 'device_parsers', readonly Rule[]>>;

interface Parser {
  readonly pattern: RegExp;
  /** Of each field in order: text with `$1` … in it, or the number of a group. */
  readonly fields: readonly (string | number)[];
}

interface Target {
  readonly section: keyof RuleFile;
  readonly member: string;
  readonly fields: readonly string[];
  /** Which value of a rule gives a field, and which group does when the rule has none. */
  readonly sources: readonly { readonly key: string; readonly group?: number }[];
  /** Compiled when somebody first asks. */
  parsers?: readonly Parser[];
}

export type UserAgentTarget = 'browser' | 'os' | 'device';

const versions = ['MajorVersion', 'MinorVersion', 'Patch', 'PatchMinor'];
const targets: Readonly<Record<UserAgentTarget, Target>> = {
  browser: {
    section: 'user_agent_parsers',
    member: 'Browser',
    fields: ['Family', ...versions.slice(0, 3)],
    sources: ['family_replacement', 'v1_replacement', 'v2_replacement', 'v3_replacement'].map(numbered),
  },
  os: {
    section: 'os_parsers',
    member: 'OperatingSystem',
    fields: ['Family', ...versions],
    sources: ['os_replacement', 'os_v1_replacement', 'os_v2_replacement', 'os_v3_replacement', 'os_v4_replacement'].map(
      numbered,
    ),
  },
  device: {
    section: 'device_parsers',
    member: 'Device',
    fields: ['Family', 'Brand', 'Model'],
    sources: [
      { key: 'device_replacement', group: 1 },
      { key: 'brand_replacement' },
      { key: 'model_replacement', group: 1 },
    ],
  },
};

function numbered(key: string, index: number): { readonly key: string; readonly group: number } {
  return { key, group: index + 1 };
}

export const isUserAgentTarget = (name: unknown): name is UserAgentTarget =>
  typeof name === 'string' && Object.hasOwn(targets, name);

/** What a user agent says of itself, by the patterns of uap-core; the first that matches counts.
 * @returns for each target, in the order browser, os, device, a bag of texts; what nothing is known of is `Other` or empty */
export function parseUserAgent(
  text: string,
  wanted: ReadonlySet<UserAgentTarget>,
): Record<string, Record<string, string>> {
  const found: Record<string, Record<string, string>> = {};
  for (const [name, target] of Object.entries(targets)) {
    if (!wanted.has(name as UserAgentTarget)) continue;
    const values = firstMatch(parsersOf(target), text);
    found[target.member] = Object.fromEntries(
      target.fields.map((field, index) => [field, values?.[index] ?? (index === 0 && !values ? 'Other' : '')]),
    );
  }
  return found;
}

function firstMatch(parsers: readonly Parser[], text: string): readonly string[] | undefined {
  for (const { pattern, fields } of parsers) {
    const match = pattern.exec(text);
    if (match === null) continue;
    const group = (number: number): string => match[number] ?? '';
    return fields.map((field) =>
      typeof field === 'number'
        ? group(field)
        : field.replace(/\$([1-9])/g, (_all, digit: string) => group(Number(digit))).trim(),
    );
  }
  return undefined;
}

let ruleFile: RuleFile | undefined;

function parsersOf(target: Target): readonly Parser[] {
  ruleFile ??= readRules();
  target.parsers ??= ruleFile[target.section].map((rule) => ({
    pattern: new RegExp(rule['regex'] ?? '', rule['regex_flag'] ?? ''),
    fields: target.sources.map(({ key, group }) => rule[key] ?? group ?? ''),
  }));
  return target.parsers;
}

/** Read when somebody first asks: few do. Line by line: a YAML library would take long over it, and left half loaded where the query ends
 * meanwhile. */
function readRules(): RuleFile {
  const path = createRequire(import.meta.url).resolve('uap-core/regexes.yaml');
  return rulesOf(readFileSync(path, 'utf8'));
}

/** @param yaml of sections, each a list of maps whose values are texts in single quotes; nothing else is read
 * @throws Error a line is something else */
export function rulesOf(yaml: string): RuleFile {
  const sections = { user_agent_parsers: noRules(), os_parsers: noRules(), device_parsers: noRules() };
  let rules = noRules();
  for (const line of yaml.split('\n')) {
    if (/^\s*(?:#|$)/.test(line)) continue;
    const section = line.trimEnd().slice(0, -1);
    if (isSection(section)) {
      rules = sections[section];
      continue;
    }
    const [, begins, key, value] = /^ {2}(- | {2})(\w+): *'((?:[^']|'')*)' *(?:#.*)?$/.exec(line) ?? [];
    if (begins === '- ') rules.push({});
    const rule = rules.at(-1);
    if (key === undefined || value === undefined || rule === undefined) throw new Error(`No rule: ${line}`);
    rule[key] = value.replaceAll("''", "'");
  }
  return sections;
}

const noRules = (): Record<string, string>[] => [];
const isSection = (name: string): name is keyof RuleFile =>
  Object.values(targets).some(({ section }) => section === name);
