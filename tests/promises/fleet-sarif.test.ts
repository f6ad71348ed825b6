import { describe, expect, it } from 'vitest';
import { fleetRules } from '../../src/cmk/fleet/fleet-rules.ts';
import { sarifOf } from '../../src/cmk/fleet/sarif.ts';
import { sarifCanBeValidated, sarifComplaints, sarifRecords, sarifSchemaErrors } from '../support/sarif-validator.ts';

const cluster = '/subscriptions/3c1f3a9e-1d0e-4b7a-9a55-0e5a4c7d2b11/resourceGroups/a group (ü)/providers/Microsoft.Kusto/clusters/c'; // prettier-ignore

/** One of each rule, of a cluster and of a database. */
const findings = fleetRules.flatMap(({ id, severity }) => [
  { rule: id, severity, cluster, message: `Of '${id}': {0} <b>bold</b> [a](b)` },
  { rule: id, severity, cluster, database: 'own db', message: 'Wrong.', remedy: 'kustody cmk rotate --cluster-id ID' },
]);
type Shape = ReturnType<typeof sarifOf> & { runs: [{ tool: { driver: { rules: Row[] } }; results: Row[] }] };
type Row = Record<string, unknown>;
const report = (spoil: (report: Shape) => void = () => undefined): string => {
  const made = structuredClone(sarifOf(findings, '1.2.3')) as Shape;
  spoil(made);
  return JSON.stringify(made);
};

describe.skipIf(!sarifCanBeValidated)('the SARIF of a fleet', () => {
  it('is as its schema has it, and well by the standard and what GitHub asks, to the validator of its editors', () => {
    expect(sarifSchemaErrors(report())).toEqual([]);
    // Which page tells more of the tool: Kustody has none of its own.
    expect(sarifComplaints(report())).toEqual([
      'SARIF2005: Warning_ProvideToolnformationUri, runs[0].tool.driver, kustody cmk fleet',
    ]);
  });

  it.each<[string, (report: Shape) => void, RegExp]>([
    ['a level that there is not', ({ runs: [{ results }] }) => ((results[0] ?? {})['level'] = 'grave'), /'grave'/],
    ['no version', (one) => delete one['version'], /'version' is a required property/],
    ['a member that there is not', ({ runs: [{ results }] }) => ((results[0] ?? {})['extra'] = 1), /'extra'/],
    ['an index that is none', ({ runs: [{ results }] }) => ((results[0] ?? {})['ruleIndex'] = -2), /-2 is less/],
  ])('is not as its schema has it with %s', (_, spoil, says) => {
    expect(sarifSchemaErrors(report(spoil))).toEqual([expect.stringMatching(says)]);
  });

  it('is not well by the standard with a rule that there is not, nor to GitHub without help', () => {
    const spoilt = report(({ runs: [{ results, tool }] }) => {
      (results[0] ?? {})['ruleIndex'] = 99;
      delete (tool.driver.rules[0] ?? {})['help'];
    });
    const told = sarifComplaints(spoilt).join('\n');
    expect(told).toMatch(/^SARIF1\d+/m);
    expect(told).toMatch(/^GH2\d+/m);
  });

  it('reads as what was found, to a library of others', () => {
    const records = sarifRecords(report());
    expect(records.map(({ Code }) => Code)).toEqual(findings.map(({ rule }) => rule));
    const levels = { high: 'error', medium: 'warning', low: 'note', note: 'note' };
    expect(records.map(({ Severity }) => Severity)).toEqual(findings.map(({ severity }) => levels[severity]));
    expect(records[0]).toMatchObject({ Tool: 'kustody cmk fleet', Description: findings[0]?.message });
    expect(records[1]?.Location).toContain('/databases/own%20db');
  });
});
