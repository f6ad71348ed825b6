import type { KqlCatalog } from '../plan/catalog.ts';
import { parameterLiteral } from './parameter-text.ts';

/** A function that takes the name of an entity, called with something else than a literal. */
const namingCall =
  /\b(?:table|external_table|materialized_view|stored_query_result|graph|database|cluster)\s*\(\s*(?!\)|[hH]?@?["'`~])/;

/** What names of tables, databases and clusters are made of, and nothing that could end a literal. */
const entityName = /^[\p{L}\p{N}_ .:/-]{1,1024}$/u;

/** Values of query parameters that may name an entity: the text means another table with each of them.
 * @returns by name; null for a text that names nothing; undefined when names cannot matter */
export function namingParameters(
  text: string,
  given: Readonly<Record<string, unknown>> | undefined,
  catalog: KqlCatalog,
): Readonly<Record<string, string | null>> | undefined {
  if (given === undefined || !/\bquery_parameters\b/.test(text)) return undefined;
  if (!namingCall.test(text) && !hasNamingFunction(catalog)) return undefined;
  const texts = Object.entries(given).filter((entry): entry is [string, string] => typeof entry[1] === 'string');
  if (texts.length === 0) return undefined;
  return Object.fromEntries(
    texts.map(([name, sent]) => {
      const value = String(parameterLiteral(name, 'string', sent).value);
      return [name, entityName.test(value) ? value : null];
    }),
  );
}

/** A stored function that makes a name of what it is given. Looked for once in each catalog. */
function hasNamingFunction(catalog: KqlCatalog): boolean {
  const known = naming.get(catalog);
  if (known !== undefined) return known;
  const found = catalog.databases.some(({ functions }) => functions.some(({ body }) => namingCall.test(body)));
  naming.set(catalog, found);
  return found;
}
const naming = new WeakMap<KqlCatalog, boolean>();
