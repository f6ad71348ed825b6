import type { TObject, TSchema } from '@sinclair/typebox';
import { KindGuard } from '@sinclair/typebox';
import { scopeForms } from '../../src/server/seed-plan/references.ts';
import type { MemberNotes } from '../../src/server/seed-plan/schema.ts';
import { entriesMax, kustoRoleNames, seedPlanSchema } from '../../src/server/seed-plan/schema.ts';
import { seedPlanBytesMax } from '../../src/server/seed-plan/seed-plan.ts';
import { roleDefinitions } from '../../src/authz/role-definitions.ts';
import { code, codes, madeFrom, table, wrapped } from './markdown.ts';

/** The page docs/kustody-yaml.md. */
export function seedPage(): string {
  return [
    '# Members of `kustody.yaml`',
    '',
    madeFrom('the schema that the file is checked by'),
    '',
    wrapped(
      `How it is used: [seeding.md](seeding.md). The file is YAML 1.2 without aliases and tags, of at most ${seedPlanBytesMax / 1024} KiB; a list has at most ${entriesMax} entries. A member that is not here is an error, as is a name that does not exist.`,
    ),
    '',
    ...sectionsOf(seedPlanSchema, '').flatMap(({ heading, shape }) => [
      `## ${heading}`,
      '',
      ...table(['Member', 'Is', 'Without it', 'Means'], Object.entries(shape.properties).map(memberRow(shape))),
      '',
    ]),
    '## Who: principals',
    '',
    wrapped(
      'The name of a user, service principal, managed identity or group of the file; or `clusters/NAME`, the system-assigned identity of a cluster of the file.',
    ),
    '',
    '## On what: scopes',
    '',
    ...table(
      ['Scope', 'Is'],
      scopeForms.map(([form, means]) => [code(form), means]),
    ),
    '',
    '## Roles',
    '',
    wrapped(`On a cluster or a database, those of Data Explorer: ${codes(kustoRoleNames)}.`),
    '',
    wrapped(
      `On every scope, all built-in roles of Azure, by name. Of these, vaults and clusters ask for: ${codes(commonRoles)}.`,
    ),
    '',
  ].join('\n');
}

const commonRoles = roleDefinitions.filter(({ description }) => description !== '').map(({ roleName }) => roleName);

interface Section {
  readonly heading: string;
  readonly shape: TObject;
}

/** Depth first, as a reader meets them. */
function sectionsOf(shape: TObject, path: string): readonly Section[] {
  const inner = Object.entries(shape.properties).flatMap(([name, member]) => {
    const at = path === '' ? name : `${path}.${name}`;
    if (KindGuard.IsObject(member)) return sectionsOf(member, at);
    return KindGuard.IsArray(member) && KindGuard.IsObject(member.items) ? sectionsOf(member.items, `${at}[]`) : [];
  });
  return [{ heading: path === '' ? 'The file' : code(path), shape }, ...inner];
}

const memberRow =
  (shape: TObject) =>
  ([name, member]: [string, TSchema]): readonly string[] => {
    const { expected, means, preset } = member as TSchema & Partial<MemberNotes>;
    if (means === undefined || expected === undefined) throw new Error(`Nothing says what ${name} means.`);
    const isRequired = shape.required?.includes(name) === true;
    return [code(name), expected, isRequired ? 'an error' : (preset ?? 'none'), means];
  };
