import { invariant } from '../../../../base/invariant.ts';
import { languagePackage } from './language.ts';

/** Keywords as bare names of tables, columns and the like in management commands, where the service and the grammar of the official
 * package differ. All others are as the package has them. */
const isName: Readonly<Record<string, boolean>> = {
  ...{ by: true, contains: true, datatable: true, endswith: true, has: true, in: true },
  ...{ print: true, set: true, startswith: true, where: true },
  order: false,
};

/** Commands are parsed by this grammar; queries, those inside of commands too, by another parser that is left as it is. */
export function correctCommandNames(): void {
  const { QueryGrammar } = languagePackage().Parsing;
  const isKeywordAsName = QueryGrammar.IsKeywordAsIdentifier;
  invariant(isKeywordAsName, 'the grammar of commands says which keywords are names');
  QueryGrammar.IsKeywordAsIdentifier = (token) =>
    Object.hasOwn(isName, token.Text) ? isName[token.Text] === true : isKeywordAsName(token);
}
