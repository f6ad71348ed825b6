import { createRequire } from 'node:module';
import { beforeAll, describe, expect, it } from 'vitest';
import { correctCommandNames } from '../language/command-names.ts';
import { engineFunctions } from './engine-functions.ts';
import { functionFacts } from '../../../language.ts';
import { checkDiagnostics } from './diagnostics.ts';
import { stateCache } from './global-state.ts';
import { languageFiles } from '../language/language-files.ts';
import { languagePackage } from '../language/language.ts';
import type { Probe } from './correction.ts';
import { corrections, correctBinder } from './corrections.ts';
import { withBindOptions } from './options.ts';
import type { ColumnOf } from './symbols.ts';
import { columnSymbols } from './symbols.ts';

const catalog = {
  version: '1',
  cluster: 'local',
  databases: [
    {
      name: 'db',
      tables: [{ name: 'T', columns: [{ name: 'a', type: 'long' } as const] }],
      functions: [{ name: 'F', parameters: '()', body: '{ T     | evaluate bag_unpack(dynamic(null)) }' }],
    },
  ],
};

const nameAndType = ({ Name, Type }: ColumnOf): string => `${Name}:${Type?.Name ?? ''}`;

/** The columns of a query; undefined where the binder refuses it. */
function columnsOf({ text, told = {}, given = {}, shown = nameAndType }: Probe): string | undefined {
  const named = new Set<string>();
  const functions = engineFunctions(functionFacts, {});
  const state = stateCache()(catalog, functions, 'db');
  return withBindOptions(
    { database: 'db', bestEffort: text.includes('best_effort'), told: new Map(Object.entries(told)), given, named },
    () => {
      const code = languagePackage().KustoCode.ParseAndAnalyze(text, state);
      try {
        checkDiagnostics(code, functions);
      } catch {
        return undefined;
      }
      const columns = columnSymbols(code.ResultType).map(shown).join(', ');
      return named.size > 0 ? `${columns} by ${[...named].join(', ')}` : columns;
    },
  );
}

describe('each correction of the binder is needed, and is one', () => {
  const official = new Map<string, string | undefined>();
  beforeAll(() => {
    const load = createRequire(import.meta.url);
    for (const file of languageFiles(import.meta.dirname)) load(file);
    for (const { probe } of corrections) official.set(probe.text, columnsOf(probe));
    correctBinder();
    correctCommandNames();
  });

  it.each(corrections.map(({ place, probe }) => [place, probe.text, probe] as const))(
    '%s: %s',
    (_place, _text, probe) => {
      expect(official.get(probe.text), 'the package of version 12.4.1').toBe(probe.official);
      expect(columnsOf(probe), 'corrected').toBe(probe.corrected);
    },
  );
});
