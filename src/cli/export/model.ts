import type { Value, ValueObject } from './value.ts';
import { symbolsIn } from './value.ts';

/** A parameter of a template; all are texts. */
export interface ExportedParameter {
  readonly name: string;
  readonly description: string;
  /** Without it, whoever deploys has to give one. */
  readonly otherwise?: string;
}

export interface ExportedResource {
  /** Unique in the export; letters, digits and underscores. */
  readonly symbol: string;
  readonly type: string;
  readonly apiVersion: string;
  /** One for each part of the type behind the provider. */
  readonly names: readonly Value[];
  /** The resource that it is a child of. */
  readonly parent?: string;
  /** The resource that it extends; missing for one of the group. */
  readonly scope?: string;
  /** Everything that is written but type, name and scope. */
  readonly body: ValueObject;
  /** Resources that it needs and does not speak of. */
  readonly after: readonly string[];
  /** The same resource once more, with what it can have only when others know it: a cluster whose own identity opens its key. */
  readonly again?: { readonly symbol: string; readonly body: ValueObject; readonly after: readonly string[] };
}

/** What is written of a resource group, whatever the language. */
export interface ExportedGroup {
  readonly name: string;
  readonly parameters: readonly ExportedParameter[];
  /** What another one needs comes before it. */
  readonly resources: readonly ExportedResource[];
  /** What is there and not written, by name, with the reason. */
  readonly notes: readonly string[];
}

/** Symbols of all that has to be there before, in the order of the export. */
export function dependenciesOf(
  group: Pick<ExportedGroup, 'resources'>,
  { parent, scope, names, body, after }: Pick<ExportedResource, 'parent' | 'scope' | 'names' | 'body' | 'after'>,
): readonly string[] {
  const needed = new Set([parent, scope, ...after, ...symbolsIn(body), ...names.flatMap(symbolsIn)]);
  return group.resources.map(({ symbol }) => symbol).filter((symbol) => needed.has(symbol));
}
