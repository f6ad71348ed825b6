import { invariant } from '../../../../base/invariant.ts';
import type { ParsedCode, SyntaxNode } from './language.ts';
import { kindOf, languagePackage, list, part, toArray } from './language.ts';

let areSought = true;

/** The official package also looks, of each command, for the one of six hundred that a text which is none of them begins as: for
 * editors, and three quarters of the time. */
export function seekPartialCommandsOnRequest(): void {
  const { PartialParser } = languagePackage().Parsing;
  const scan = PartialParser.ScanPartialBest;
  invariant(scan, 'the parser of partial text scans for the best of its choices');
  PartialParser.ScanPartialBest = (...given) => (areSought ? scan(...given) : -1);
}

/** Parses without looking for partial commands; anew with them where that finds a fault, which is then told as the package tells it. */
export function withWholeCommands(parse: () => ParsedCode): ParsedCode {
  areSought = false;
  try {
    const code = parse();
    const [statement] = list(code.Syntax, 'Statements');
    const command = commandOf(statement && part(statement, 'Expression'));
    if (command && kindOf(command) === 'CustomCommand' && !hasFaults(code)) return code;
  } finally {
    areSought = true;
  }
  return parse();
}

/** What stands before all `|`. */
export function commandOf(node: SyntaxNode | undefined): SyntaxNode | undefined {
  let current = node;
  while (current && kindOf(current) === 'PipeExpression') current = part(current, 'Expression');
  return current;
}

const hasFaults = (code: ParsedCode): boolean => toArray(code.GetSyntaxDiagnostics()).length > 0;
