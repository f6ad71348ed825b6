import type { ExportedGroup, ExportedResource } from './model.ts';
import { dependenciesOf } from './model.ts';
import { callOf, deploymentsVersion, literal } from './template-code.ts';
import type { Value, ValueObject } from './value.ts';
import { Expression, isValueList } from './value.ts';

export interface BicepSettings {
  /** Resources that are there and that the others speak of: read, not made. */
  readonly existing?: readonly ExportedResource[];
  readonly targetScope?: 'resourceGroup' | 'subscription';
}

/** The export as a Bicep file for one resource group. */
export function writeBicep(
  group: ExportedGroup,
  { existing = [], targetScope = 'resourceGroup' }: BicepSettings = {},
): string {
  const writer = new BicepWriter({ resources: [...existing, ...group.resources] });
  const parameters = group.parameters.map(
    ({ name, description, otherwise }) =>
      `@description(${quoted(description)})\nparam ${name} string${otherwise === undefined ? '' : ` = ${quoted(otherwise)}`}\n`,
  );
  const notes = group.notes.map((note) => `// not exported: ${note.replaceAll(/\s+/g, ' ')}\n`);
  const head = [`targetScope = '${targetScope}'\n`, ...(notes.length === 0 ? [] : [notes.join('')])];
  return [
    ...[...head, ...parameters, ...existing.map((one) => writer.existing(one))],
    ...group.resources.flatMap((one) => writer.resource(one)),
  ].join('\n');
}

class BicepWriter {
  readonly #resources: ReadonlyMap<string, ExportedResource>;
  /** @param isWithin it writes what stands in a template within the template: the compiler marks a text that looks like an expression for
   * one evaluation, and there are two */
  constructor(
    readonly group: Pick<ExportedGroup, 'resources'>,
    readonly isWithin = false,
  ) {
    this.#resources = new Map(group.resources.map((resource) => [resource.symbol, resource]));
  }

  existing(resource: ExportedResource): string {
    const { symbol, type, apiVersion } = resource;
    return `resource ${symbol} '${type}@${apiVersion}' existing = {\n${this.#head(resource).join('\n')}\n}\n`;
  }

  /** Where it stands, and its name. */
  #head({ parent, scope, names }: ExportedResource): readonly string[] {
    const name = parent === undefined ? names[0] : names.at(-1);
    return [
      ...(parent === undefined ? [] : [`  parent: ${parent}`]),
      ...(scope === undefined ? [] : [`  scope: ${scope}`]),
      `  name: ${this.#value(name ?? '', 1)}`,
    ];
  }

  resource(resource: ExportedResource): readonly string[] {
    const { symbol, type, apiVersion, body, again } = resource;
    const after = resource.after.filter((one) => !this.#isSpokenOf(resource, one));
    const lines = [
      ...this.#head(resource),
      ...this.#members(body, 1),
      ...(after.length === 0 ? [] : [`  dependsOn: ${list(after, 1)}`]),
    ];
    const own = `resource ${symbol} '${type}@${apiVersion}' = {\n${lines.join('\n')}\n}\n`;
    return again === undefined ? [own] : [own, this.#secondTime(resource, again)];
  }

  /** No template has a resource twice, so that the second time is in a template of its own, whose expressions this one evaluates. */
  #secondTime(resource: ExportedResource, again: NonNullable<ExportedResource['again']>): string {
    const { type, apiVersion, names, symbol } = resource;
    const lines = [
      `  name: '\${${this.#value(names[0] ?? '', 0)}}-key'`,
      '  properties: {',
      "    mode: 'Incremental'",
      '    template: {',
      "      '$schema': 'https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#'",
      "      contentVersion: '1.0.0.0'",
      '      resources: [',
      '        {',
      `          type: '${type}'`,
      `          apiVersion: '${apiVersion}'`,
      `          name: ${this.#value(names[0] ?? '', 5)}`,
      ...new BicepWriter(this.group, true).#members(again.body, 5),
      '        }',
      '      ]',
      '    }',
      '  }',
      `  dependsOn: ${list([symbol, ...again.after], 1)}`,
    ];
    return `resource ${again.symbol} 'Microsoft.Resources/deployments@${deploymentsVersion}' = {\n${lines.join('\n')}\n}\n`;
  }

  #isSpokenOf(resource: ExportedResource, symbol: string): boolean {
    return dependenciesOf(this.group, { ...resource, after: [] }).includes(symbol);
  }

  #members(object: ValueObject, depth: number): readonly string[] {
    return Object.entries(object).map(
      ([name, value]) => `${indent(depth)}${memberName(this.#literal(name))}: ${this.#value(value, depth)}`,
    );
  }

  #value(value: Value, depth: number): string {
    if (typeof value === 'string') return quoted(this.#literal(value));
    if (value === null) return 'null';
    if (typeof value !== 'object') return String(value);
    if (isValueList(value))
      return list(
        value.map((one) => this.#value(one, depth + 1)),
        depth,
      );
    if (value instanceof Expression) return this.#code(value, depth);
    const members = this.#members(value, depth + 1);
    return members.length === 0 ? '{}' : `{\n${members.join('\n')}\n${indent(depth)}}`;
  }

  #code({ term }: Expression, depth: number): string {
    switch (term.kind) {
      case 'parameter':
        return term.name;
      case 'id':
        return `${this.#known(term.of)}.id`;
      case 'property':
        return `${this.#known(term.of)}.properties.${term.name}`;
      case 'ownPrincipalId':
        return `${this.#known(term.of)}.identity.principalId`;
      case 'identities':
        return `{\n${term.ids.map((id) => `${indent(depth + 1)}${this.#idAsName(id)}: {}`).join('\n')}\n${indent(depth)}}`;
      default:
        return callOf(term, (one) => this.#value(one, depth));
    }
  }

  #literal(text: string): string {
    return this.isWithin ? literal(text) : text;
  }

  #idAsName(id: Value): string {
    return typeof id === 'string' ? quoted(id) : `'\${${this.#value(id, 0)}}'`;
  }

  #known(symbol: string): string {
    if (!this.#resources.has(symbol)) throw new Error(`no resource '${symbol}' is exported`);
    return symbol;
  }
}

const indent = (depth: number): string => '  '.repeat(depth);

const list = (items: readonly string[], depth: number): string =>
  items.length === 0 ? '[]' : `[\n${items.map((item) => `${indent(depth + 1)}${item}`).join('\n')}\n${indent(depth)}]`;

const memberName = (name: string): string => (/^[A-Za-z_][A-Za-z0-9_]*$/.test(name) ? name : quoted(name));

/** A Bicep text in one line. */
function quoted(text: string): string {
  const escaped = text
    .replaceAll('\\', '\\\\')
    .replaceAll("'", String.raw`\'`)
    .replaceAll('${', '\\${')
    .replaceAll('\n', String.raw`\n`)
    .replaceAll('\r', String.raw`\r`)
    .replaceAll('\t', String.raw`\t`);
  return `'${escaped}'`;
}
