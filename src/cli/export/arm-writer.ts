import type { Json } from '../../base/json.ts';
import type { ExportedGroup, ExportedResource } from './model.ts';
import { dependenciesOf } from './model.ts';
import { callOf, deploymentsVersion, literal } from './template-code.ts';
import type { Value } from './value.ts';
import { Expression, isValueList } from './value.ts';

const schema = 'https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#';

/** The export as a JSON template for one resource group. */
export function writeArm(group: ExportedGroup): string {
  const writer = new ArmWriter(group);
  const template = {
    $schema: schema,
    contentVersion: '1.0.0.0',
    ...(group.notes.length === 0 ? {} : { metadata: { notExported: group.notes } }),
    parameters: Object.fromEntries(
      group.parameters.map(({ name, description, otherwise }) => [
        name,
        {
          type: 'string',
          ...(otherwise === undefined ? {} : { defaultValue: literal(otherwise) }),
          metadata: { description },
        },
      ]),
    ),
    resources: group.resources.flatMap((resource) => writer.resource(resource)),
  };
  return `${JSON.stringify(template, null, 2)}\n`;
}

class ArmWriter {
  readonly #resources: ReadonlyMap<string, ExportedResource>;
  /** @param evaluations of what is written: that of a template within a template, too, by the outer one first */
  constructor(
    readonly group: ExportedGroup,
    readonly evaluations: 1 | 2 = 1,
  ) {
    this.#resources = new Map(group.resources.map((resource) => [resource.symbol, resource]));
  }

  resource(resource: ExportedResource): readonly Json[] {
    const { again } = resource;
    const own = this.#one(resource, resource.after);
    if (again === undefined) return [own];
    const second = { ...resource, body: again.body };
    return [
      own,
      {
        type: 'Microsoft.Resources/deployments',
        apiVersion: deploymentsVersion,
        name: bracketed(`format('{0}-key', ${this.#names(resource)[0] ?? ''})`),
        dependsOn: this.#dependsOn(dependenciesOf(this.group, { ...second, after: [resource.symbol, ...again.after] })),
        properties: {
          mode: 'Incremental',
          template: {
            $schema: schema,
            contentVersion: '1.0.0.0',
            resources: [new ArmWriter(this.group, 2).#without(second)],
          },
        },
      },
    ];
  }

  #one(resource: ExportedResource, after: readonly string[]): Json {
    const dependsOn = this.#dependsOn(dependenciesOf(this.group, { ...resource, after }));
    return { ...this.#without(resource), ...(dependsOn.length === 0 ? {} : { dependsOn }) };
  }

  #without(resource: ExportedResource): Readonly<Record<string, Json>> {
    const { type, apiVersion, scope, body } = resource;
    return {
      ...{ type, apiVersion, name: this.#name(resource) },
      ...(scope === undefined ? {} : { scope: bracketed(this.#id(scope)) }),
      ...Object.fromEntries(Object.entries(body).map(([name, value]) => [name, this.#value(value)])),
    };
  }

  #dependsOn(symbols: readonly string[]): readonly string[] {
    return symbols.map((symbol) => bracketed(this.#id(symbol)));
  }

  #name(resource: ExportedResource): string {
    const [only, ...more] = resource.names;
    if (more.length === 0 && only !== undefined) return this.#text(only);
    const places = resource.names.map((_, at) => `{${at}}`).join('/');
    return bracketed(`format('${places}', ${this.#names(resource).join(', ')})`);
  }

  #names(resource: ExportedResource): readonly string[] {
    return resource.names.map((name) => this.#code(name));
  }

  /** The id of a resource, as code. */
  #id(symbol: string): string {
    const resource = this.#found(symbol);
    const rest = [quoted(resource.type), ...this.#names(resource)].join(', ');
    return resource.scope === undefined
      ? `resourceId(${rest})`
      : `extensionResourceId(${this.#id(resource.scope)}, ${rest})`;
  }

  #found(symbol: string): ExportedResource {
    const found = this.#resources.get(symbol);
    if (found === undefined) throw new Error(`no resource '${symbol}' is exported`);
    return found;
  }

  #value(value: Value): Json {
    if (typeof value === 'string') return this.#literal(value);
    if (value === null || typeof value !== 'object') return value;
    if (isValueList(value)) return value.map((one) => this.#value(one));
    if (!(value instanceof Expression))
      return Object.fromEntries(Object.entries(value).map(([name, one]) => [this.#literal(name), this.#value(one)]));
    if (value.term.kind === 'identities') return Object.fromEntries(value.term.ids.map((id) => [this.#text(id), {}]));
    return bracketed(this.#code(value));
  }

  #text(value: Value): string {
    return typeof value === 'string' ? this.#literal(value) : bracketed(this.#code(value));
  }

  #literal(text: string): string {
    return this.evaluations === 1 ? literal(text) : literal(literal(text));
  }

  /** What stands for a value within an expression. */
  #code(value: Value): string {
    if (typeof value === 'string') return quoted(value);
    if (!(value instanceof Expression)) throw new Error('only texts and expressions stand in expressions');
    const { term } = value;
    switch (term.kind) {
      case 'parameter':
        return `parameters(${quoted(term.name)})`;
      case 'id':
        return this.#id(term.of);
      case 'property':
        return `reference(${this.#id(term.of)}, ${quoted(this.#found(term.of).apiVersion)}).${term.name}`;
      case 'ownPrincipalId':
        return `reference(${this.#id(term.of)}, ${quoted(this.#found(term.of).apiVersion)}, 'Full').identity.principalId`;
      case 'identities':
        throw new Error('identities stand in no expression');
      default:
        return callOf(term, (one) => this.#code(one));
    }
  }
}

const bracketed = (code: string): string => `[${code}]`;
const quoted = (text: string): string => `'${text.replaceAll("'", "''")}'`;
