import type { GlobalState, ParsedCode } from './language.ts';
import { languagePackage, toArray } from './language.ts';
import type { LanguageDiagnostic } from './language.ts';

/** `pack_all()` in the projection of `find` is `pack(*)` to the parser, which does not know the newer name there. Same length, so
 * that positions stay. */
export function parseWithPackAll(text: string, state: GlobalState): ParsedCode {
  const { KustoCode } = languagePackage();
  const code = KustoCode.ParseAndAnalyze(text, state);
  if (!/\bfind\b/.test(text) || !syntaxErrors(code)) return code;
  const written = text.replace(/(?<=[,\s])pack_all\s*\(\s*\)/g, (call) => 'pack(*)'.padEnd(call.length));
  if (written === text) return code;
  const again = KustoCode.ParseAndAnalyze(written, state);
  return syntaxErrors(again) ? code : again;
}

export const syntaxErrors = (code: ParsedCode): boolean =>
  toArray<LanguageDiagnostic>(code.GetDiagnostics()).some(({ Code }) => /^KS00[1-6]$/.test(Code));
