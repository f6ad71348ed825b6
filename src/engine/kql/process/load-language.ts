import { createRequire } from 'node:module';
import { correctBinder } from './binder.ts';
import { correctCommandNames } from './command-names.ts';
import { assertConstructors } from './global-state.ts';

/** Runs the two files of the official parser, which put their names on the global object. Takes about 150 ms; the first
 * parse after it takes about 500 ms more. */
export function loadLanguage(): void {
  const load = createRequire(import.meta.url);
  load('@kusto/language-service-next/bridge.min.js');
  load('@kusto/language-service-next/Kusto.Language.Bridge.min.js');
  assertConstructors();
  correctBinder();
  correctCommandNames();
}
