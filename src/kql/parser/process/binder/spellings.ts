import type { GlobalState, LanguageDiagnostic, ParsedCode } from '../language/language.ts';
import { languagePackage, toArray } from '../language/language.ts';

/** Parses a text with the spellings of the documentation that the engine takes and the parser does not know: `pack_all()` in the
 * projection of `find`, the strategy `partitioned` of summarize, and the type `DateTime`. What is written instead has the same length, so that positions stay. */
export function parseSpelled(text: string, state: GlobalState): ParsedCode {
  const { KustoCode } = languagePackage();
  const code = KustoCode.ParseAndAnalyze(text, state);
  const failed = syntaxErrors(code);
  const packed = /\bfind\b/.test(text) && failed ? withPack(text) : text;
  const written = withTypes(failed ? withStrategy(packed) : packed, code);
  if (written === text) return code;
  const again = KustoCode.ParseAndAnalyze(written, state);
  return syntaxErrors(again) ? code : again;
}

const withPack = (text: string): string =>
  text.replace(/(?<=[,\s])pack_all\s*\(\s*\)/g, (call) => 'pack(*)'.padEnd(call.length));

/** What a hint asks for changes no result. */
const withStrategy = (text: string): string =>
  text.replace(/(?<=\bsummarize\s+hint\.strategy\s*=\s*)partitioned\b/g, (word) => 'shuffle'.padEnd(word.length));

/** `KS160` marks the name of a type that is not known. */
function withTypes(text: string, code: ParsedCode): string {
  let written = text;
  for (const { Code, Start, Length } of diagnosticsOf(code)) {
    if (Code === 'KS160' && text.slice(Start, Start + Length) === 'DateTime')
      written = `${written.slice(0, Start)}datetime${written.slice(Start + Length)}`;
  }
  return written;
}

const diagnosticsOf = (code: ParsedCode): LanguageDiagnostic[] => toArray<LanguageDiagnostic>(code.GetDiagnostics());
const syntaxErrors = (code: ParsedCode): boolean => diagnosticsOf(code).some(({ Code }) => /^KS00[1-6]$/.test(Code));
