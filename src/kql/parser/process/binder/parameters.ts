import { quotedText } from '../../../plan/quoted.ts';
import type { LanguageSymbol, SyntaxNode } from '../language/language.ts';
import { need } from '../language/language.ts';
import { typeOfSymbol } from '../language/node-types.ts';
import type { Correction } from './correction.ts';
import { correction } from './correction.ts';
import { bindOptions } from './options.ts';

/** What the binder knows of a constant. */
interface ConstantValue {
  readonly Value: unknown;
  readonly ValueText: string;
}
interface Variable extends LanguageSymbol {
  IsConstant: boolean;
  ConstantValueInfo: ConstantValue | null;
  Source: SyntaxNode | null;
}

/** The value that a request gives to a parameter. Whoever looks at it makes a program for this value alone. */
class GivenValue implements ConstantValue {
  readonly text: string;
  readonly #looked: () => void;
  constructor(text: string, looked: () => void) {
    this.text = text;
    this.#looked = looked;
  }
  get Value(): string {
    this.#looked();
    return this.text;
  }
  get ValueText(): string {
    return quotedText(this.Value);
  }
}

export const parameterCorrections: readonly Correction[] = [
  // To the binder a query parameter is its default, which names tables and databases as a literal does.
  correction<{ self: unknown; args: [parameter: SyntaxNode]; result: unknown }>(
    'Binder.BindParameterDeclarationAsVariable',
    (official, _binder, parameter) => {
      official(parameter);
      const variable = need(need(parameter, 'NameAndType'), 'Name').ReferencedSymbol as Variable | null | undefined;
      const { given, named } = bindOptions();
      if (!variable || !Object.hasOwn(given, variable.Name) || typeOfSymbol(variable.Type) !== 'string') return;
      const { Name: name } = variable;
      const value = given[name] ?? null;
      variable.IsConstant = value !== null;
      variable.ConstantValueInfo = value === null ? null : new GivenValue(value, () => void named.add(name));
      variable.Source = null;
    },
    {
      text: 'declare query_parameters(p:string = "Gone"); table(p)',
      given: { p: 'T' },
      official: undefined,
      corrected: 'a:long by p',
    },
  ),
  // Calls with one value share a body, which looks at the value if it matters.
  correction<{
    self: unknown;
    args: [argument: { readonly ConstantValueInfo?: unknown }, value: { v: unknown }];
    result: boolean;
  }>(
    'Binder().TryGetCallSiteArgumentValue',
    (official, _binder, argument, value) => {
      const { ConstantValueInfo: constant } = argument;
      if (!(constant instanceof GivenValue)) return official(argument, value);
      value.v = constant.text;
      return true;
    },
    {
      text: 'declare query_parameters(p:string = "b"); let f = (s:string) { T | where tostring(a) == s }; f(p)',
      given: { p: 'c' },
      official: 'a:long',
      corrected: 'a:long',
    },
  ),
];
