import type { LanguageSymbol, SyntaxNode } from '../language/language.ts';
import { kindOf, languagePackage, symbolKind, toArray } from '../language/language.ts';
import type { Correction } from './correction.ts';
import { correction } from './correction.ts';
import type { SemanticInfo } from './symbols.ts';

interface NameBinder {
  readonly _binder: {
    readonly _localScope: {
      ContainsSymbol$1(name: string): boolean;
      GetSymbols$1(name: string, match: unknown, found: unknown): void;
    };
  };
}

const constantClauses = /^MakeSeries(From|To|Step|InRange)Clause$/;

/** Whether a node stands where only a constant can, of the operator that it is in. */
function isConstant(node: SyntaxNode): boolean {
  for (let at = node.Parent; at; at = at.Parent) {
    const kind = kindOf(at);
    if (constantClauses.test(kind)) return true;
    if (kind.endsWith('Operator')) return false;
  }
  return false;
}

/** The value that a `let` statement gives a name. */
function declared({ _binder: { _localScope: scope } }: NameBinder, name: string): LanguageSymbol | undefined {
  const { Binding, Symbols } = languagePackage();
  const { s_symbolListPool: pool } = Binding.Binder;
  const found = pool.AllocateFromPool();
  try {
    scope.GetSymbols$1(name, Symbols.SymbolMatch['Any'], found);
    return toArray<LanguageSymbol>(found).find(
      (symbol) => symbolKind(symbol) === 'VariableSymbol' && symbol.Type?.IsTabular !== true,
    );
  } finally {
    pool.ReturnToPool(found);
  }
}

export const constantCorrections: readonly Correction[] = [
  // A name of a `let` statement and of a column is the column to the binder everywhere.
  correction<{ self: NameBinder; args: [node: SyntaxNode]; result: SemanticInfo | null }>(
    'NodeBinder.VisitNameReference',
    (official, binder, node) => {
      const info = official(node);
      const symbol = info?.ReferencedSymbol;
      // Names clash seldom, and are looked at first.
      if (!symbol || !binder._binder._localScope.ContainsSymbol$1(symbol.Name)) return info;
      if (symbolKind(symbol) !== 'ColumnSymbol' || !isConstant(node)) return info;
      const constant = declared(binder, symbol.Name);
      return constant ? (languagePackage().Binding.Binder.CreateSemanticInfo(constant) as SemanticInfo) : info;
    },
    {
      text: 'let S = 1; T | extend S = "x" | make-series count() on a from S to 3 step 1',
      official: undefined,
      corrected: 'count_:dynamic, a:dynamic',
    },
  ),
];
