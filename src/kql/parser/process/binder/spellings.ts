import { invariant } from '../../../../base/invariant.ts';
import type { SyntaxNode } from '../language/language.ts';
import { languagePackage, toArray } from '../language/language.ts';
import type { Correction } from './correction.ts';
import { correction } from './correction.ts';

interface Token {
  readonly Text: string;
}
interface Parser {
  PeekToken(): Token;
  PeekToken$1(offset: number): Token;
  ParseToken(): SyntaxNode;
  ParseIdentifierTypeExpression(): SyntaxNode | null;
}
interface OperatorParameter {
  readonly Name: string;
  Values: unknown;
}

const packsAll = (parser: Parser): boolean =>
  ['pack_all', '(', ')'].every((text, offset) => parser.PeekToken$1(offset).Text === text);

/** Spellings of the documentation that the engine takes and the parser of the package does not know. */
export const spellingCorrections: readonly Correction[] = [
  // `pack_all()` in the projection of `find` is `pack(*)`.
  correction<{ self: Parser; args: []; result: unknown }>(
    'QueryParser.ParsePackExpression',
    (official, parser) => {
      if (!packsAll(parser)) return official();
      const { PackExpression, SyntaxKind, SyntaxToken } = languagePackage().Syntax;
      const [word, open] = [parser.ParseToken(), parser.ParseToken()];
      const star = SyntaxToken.Missing('', SyntaxKind['AsteriskToken']);
      return new PackExpression(word, open, star, parser.ParseToken());
    },
    {
      text: 'find in (T) where a == 1 project pack_all()',
      official: undefined,
      corrected: 'source_:string, pack_:dynamic',
    },
  ),
  correction<{ self: Parser; args: []; result: unknown }>(
    'QueryParser.ParseInvalidParamType',
    (official, parser) =>
      parser.PeekToken().Text === 'DateTime' ? parser.ParseIdentifierTypeExpression() : official(),
    { text: 'datatable (d:DateTime) []', official: undefined, corrected: 'd:datetime' },
  ),
  correction<{ self: unknown; args: [name: string]; result: unknown }>(
    'ScalarTypes().GetSymbol',
    (official, _types, name) => official(name === 'DateTime' ? 'datetime' : name),
    {
      text: 'T | mv-expand d = dynamic([1]) to typeof(DateTime)',
      official: undefined,
      corrected: 'a:long, d:datetime',
    },
  ),
  // What a hint asks for changes no result.
  {
    place: 'QueryOperatorParameters.SummarizeParameters',
    apply: () => {
      const parameters = toArray<OperatorParameter>(languagePackage().QueryOperatorParameters.SummarizeParameters);
      const strategy = parameters.find(({ Name }) => Name === 'hint.strategy');
      invariant(strategy, 'the language package has a strategy of summarize, as version 12.4.1 does');
      strategy.Values = [...toArray(strategy.Values), 'partitioned'];
    },
    probe: {
      text: 'T | summarize hint.strategy=partitioned count() by a',
      official: undefined,
      corrected: 'a:long, count_:long',
    },
  },
];
