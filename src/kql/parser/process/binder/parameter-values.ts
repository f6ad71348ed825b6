import { quotedText } from '../../../plan/quoted.ts';
import { typeOfSymbol } from '../language/node-types.ts';
import type { ParsedCode } from '../language/language.ts';
import { kindOf, list, nameOf, need, part } from '../language/language.ts';
import type { Rewritten } from './source-map.ts';
import { withReplacements } from './source-map.ts';

/** To the binder a query parameter is its default, which names tables and databases as a literal does. So the values of this request are
 * written there.
 * @param given by name: what may name an entity; null for a value that cannot, whose default then does not count either
 * @returns undefined when there is nothing to write */
export function withParameterValues(
  text: string,
  code: ParsedCode,
  given: Readonly<Record<string, string | null>>,
): Rewritten | undefined {
  const replacements = list(code.Syntax, 'Statements')
    .filter((statement) => kindOf(statement) === 'QueryParametersStatement')
    .flatMap((statement) => list(statement, 'Parameters'))
    .flatMap((parameter) => {
      const declaration = need(parameter, 'NameAndType');
      const name = nameOf(need(declaration, 'Name'));
      if (!Object.hasOwn(given, name)) return [];
      if (typeOfSymbol(need(declaration, 'Type').ReferencedSymbol) !== 'string') return [];
      const value = given[name] ?? null;
      const written = value === null ? '' : ` = ${quotedText(value)}`;
      const old = part(parameter, 'DefaultValue');
      return [{ start: old?.TextStart ?? declaration.End, end: old?.End ?? declaration.End, text: written }];
    });
  return replacements.length === 0 ? undefined : withReplacements(text, replacements);
}
