import type { EntityGroup } from '../catalog/catalog-view.ts';
import { dataError, entityExists } from '../catalog/data-error.ts';
import { requireEntityName } from '../catalog/entity-name.ts';
import { KqlError } from '../../kql/plan/kql-error.ts';
import { unquote } from '../../kql/values/string-literals.ts';
import type { Command, CommandRow, Row } from './command.ts';
import type { CommandContext } from './command-context.ts';

const columns = 'Name: string, Entities: string';
const groupsMax = 1_000;
const entitiesMax = 1_000;

const text = String.raw`("[^"]*"|'[^']*')`;
const reference = new RegExp(String.raw`^(?:cluster\(${text}\)\.)?database\(${text}\)$`, 'i');

/** `(cluster('c').database('d'), …)`, each entity in one spelling. @throws KqlError `syntax` */
function entitiesOf(list: string): readonly string[] {
  const [, inside] = /^\((.*)\)$/s.exec(list) ?? [];
  const entities = (inside?.split(/,(?=\s*(?:cluster|database)\b)/i) ?? []).map((one) => {
    const [, cluster, database] = reference.exec(one.replace(/,$/, '').trim()) ?? [];
    if (database === undefined)
      throw new KqlError('syntax', `'${one.slice(0, 100)}' is no entity: cluster('…').database('…').`);
    const place = `database('${nameOf(database)}')`;
    return cluster === undefined ? place : `cluster('${nameOf(cluster)}').${place}`;
  });
  if (entities.length === 0) throw new KqlError('syntax', 'An entity group has at least one entity.');
  if (entities.length > entitiesMax)
    throw new KqlError('notSupported', `An entity group has at most ${entitiesMax} entities.`);
  return [...new Set(entities)];
}

function nameOf(literal: string): string {
  const name = unquote(literal);
  if (name === '' || name.length > 260 || name.includes("'"))
    throw new KqlError('syntax', `'${name.slice(0, 100)}' is no name of a cluster or database.`);
  return name;
}

const rowOf = ({ name, entities }: EntityGroup): Row => [name, JSON.stringify(entities)];

/** What is there already counts, since two commands may come at once. */
async function change(
  command: Command,
  { data, database }: CommandContext,
  plan: (held: EntityGroup | undefined, name: string) => EntityGroup | undefined,
): Promise<readonly EntityGroup[]> {
  const name = command.required('EntityGroupName');
  const { entityGroups } = await data.changeFacts(database, (facts) => {
    const held = facts.entityGroups.find((one) => one.name === name);
    const next = plan(held, requireEntityName(name));
    const others = facts.entityGroups.filter((one) => one.name !== name);
    if (held === undefined && others.length >= groupsMax)
      throw new KqlError('notSupported', `A database has at most ${groupsMax} entity groups.`);
    const groups = next === undefined ? others : [...others, next];
    return { ...facts, entityGroups: groups.toSorted((left, right) => (left.name < right.name ? -1 : 1)) };
  });
  return entityGroups;
}

const missing = (name: string): Error => dataError('EntityGroupNotFound', name.slice(0, 200));

async function put(command: Command, context: CommandContext): Promise<readonly Row[]> {
  const entities = entitiesOf(command.required('Entities'));
  const groups = await change(command, context, (held, name) => {
    if (held === undefined && command.kind.startsWith('Alter')) throw missing(name);
    if (held === undefined || command.kind === 'AlterEntityGroup') return { name, entities };
    if (command.kind === 'AlterMergeEntityGroup')
      return { name, entities: [...new Set([...held.entities, ...entities])] };
    if (command.kind === 'CreateOrAlterEntityGroupCommand') return { name, entities };
    if (!command.has('ifnotexists')) throw entityExists('EntityGroup', name);
    return held;
  });
  return groups.filter(({ name }) => name === command.required('EntityGroupName')).map(rowOf);
}

/** `macro-expand` finds them by name. @see Kusto "Entity groups" and the pages of these commands */
export const entityGroupCommands: readonly CommandRow[] = [
  {
    kinds: {
      CreateEntityGroupCommand: [
        ".create entity_group G (cluster('c').database('D'))",
        'create entity_group {EntityGroupName} ifnotexists {...Entities}',
        'create entity_group {EntityGroupName} {...Entities}',
      ],
      CreateOrAlterEntityGroupCommand: [
        ".create-or-alter entity_group G (cluster('c').database('D'))",
        'create-or-alter entity_group {EntityGroupName} {...Entities}',
      ],
      AlterEntityGroup: [
        ".alter entity_group G (cluster('c').database('D'))",
        'alter entity_group {EntityGroupName} {...Entities}',
      ],
      AlterMergeEntityGroup: [
        ".alter-merge entity_group G (cluster('c').database('E'))",
        'alter-merge entity_group {EntityGroupName} {...Entities}',
      ],
    },
    permission: 'admin',
    columns,
    run: put,
  },
  {
    kinds: { DropEntityGroup: ['.drop entity_group G', 'drop entity_group {EntityGroupName}'] },
    permission: 'admin',
    columns,
    run: async (command, context) => {
      const groups = await change(command, context, (held, name) => {
        if (held === undefined) throw missing(name);
        return undefined;
      });
      return groups.map(rowOf);
    },
  },
  {
    kinds: {
      ShowEntityGroup: ['.show entity_group G', 'show entity_group {EntityGroupName}'],
      ShowEntityGroups: ['.show entity_groups', 'show entity_groups'],
    },
    permission: 'admin',
    columns,
    run: (command, { data, database }) => {
      const { entityGroups } = data.database(database);
      const name = command.optional('EntityGroupName');
      const found = entityGroups.filter((one) => name === undefined || one.name === name);
      if (name !== undefined && found.length === 0) throw missing(name);
      return found.map(rowOf);
    },
  },
];
