import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hasModules, pythonIn } from './python.ts';

const ofTheEditors = join(
  ...[import.meta.dirname, '..', '..', '.cache', 'sarif-validator', 'node_modules', '@microsoft'],
  'sarif-multitool-linux',
);
const multitool = join(ofTheEditors, 'Sarif.Multitool');
if (!existsSync(multitool)) console.warn('Skipped: no validator of SARIF (scripts/sarif-validator.sh installs it).');

/** Whether the validator of those who edit the standard, and a reader of others, are there. */
export const sarifCanBeValidated =
  existsSync(multitool) && hasModules(pythonIn('sarif'), ['sarif.loader', 'jsonschema']);

interface Log {
  readonly runs: readonly {
    readonly results?: readonly {
      readonly ruleId: string;
      readonly level?: string;
      readonly message: { readonly id?: string; readonly arguments?: readonly string[] };
    }[];
    readonly invocations?: readonly { readonly executionSuccessful: boolean }[];
  }[];
}

/** What is wrong with a report by what the standard asks beyond its schema, and by what GitHub asks of what it takes:
 * errors and warnings of the validator, as `rule: what of it, where`. */
export function sarifComplaints(report: string): readonly string[] {
  const directory = mkdtempSync(join(tmpdir(), 'kustody-test-'));
  try {
    const [given, found] = [join(directory, 'given.sarif'), join(directory, 'found.sarif')];
    writeFileSync(given, report);
    const options = ['--rule-kind', 'Sarif;Ghas', '--level', 'Error;Warning', '--quiet', 'true', '--output', found];
    const { stdout, stderr } = spawnSync(multitool, ['validate', given, ...options], {
      env: { ...process.env, DOTNET_SYSTEM_GLOBALIZATION_INVARIANT: '1' },
      encoding: 'utf8',
    });
    if (!existsSync(found)) throw new Error(`The validator has no result: ${stdout} ${stderr}`);
    const { runs } = JSON.parse(readFileSync(found, 'utf8').replace(/^\uFEFF/, '')) as Log;
    const [run] = runs;
    if (run?.invocations?.every(({ executionSuccessful }) => executionSuccessful) !== true)
      throw new Error(`The validator did not end well: ${stdout} ${stderr}`);
    return (run.results ?? []).map(
      ({ ruleId, message }) => `${ruleId}: ${message.id ?? ''}, ${(message.arguments ?? []).join(', ')}`,
    );
  } finally {
    rmSync(directory, { recursive: true });
  }
}

const schemaCheck = `
import json, sys
from jsonschema.validators import validator_for
schema = json.load(open(sys.argv[1], encoding='utf-8-sig'))
check = validator_for(schema)
check.check_schema(schema)
json.dump([f'{error.json_path}: {error.message[:200]}' for error in check(schema).iter_errors(json.load(sys.stdin))], sys.stdout)
`;

/** Where a report is not as the schema of SARIF 2.1.0 has it. */
export const sarifSchemaErrors = (report: string): readonly string[] =>
  JSON.parse(
    execFileSync(pythonIn('sarif'), ['-c', schemaCheck, join(ofTheEditors, 'sarif-2.1.0.json')], {
      input: report,
      encoding: 'utf8',
    }),
  ) as readonly string[];

const reader = `
import json, sys, tempfile
from sarif import loader
with tempfile.NamedTemporaryFile('w', suffix='.sarif', encoding='utf-8') as file:
    file.write(sys.stdin.read())
    file.flush()
    json.dump(loader.load_sarif_file(file.name).get_records(), sys.stdout)
`;

/** A result, as the library sarif-tools reads it. */
export type SarifRecord = Readonly<Record<'Tool' | 'Severity' | 'Code' | 'Description' | 'Location' | 'Line', string>>;

export const sarifRecords = (report: string): readonly SarifRecord[] =>
  JSON.parse(
    execFileSync(pythonIn('sarif'), ['-c', reader], { input: report, encoding: 'utf8' }),
  ) as readonly SarifRecord[];
