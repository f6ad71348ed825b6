import { createHash } from 'node:crypto';
import type { FleetFinding } from './fleet-findings.ts';
import type { Severity } from './fleet-rules.ts';
import { fleetRules } from './fleet-rules.ts';

const levels: Record<Severity, string> = { high: 'error', medium: 'warning', low: 'note', note: 'note' };
/** What readers of SARIF sort findings of security by, 0 to 10. */
const securitySeverity: Record<Severity, string> = { high: '8.0', medium: '5.0', low: '3.0', note: '0.0' };

const whereHelpIs =
  'Where a command mends it, or shows more, it stands in the message. docs/cmk.md of Kustody has the rule, and the policy file that rules ask.';

/** Findings as pipelines read them: SARIF 2.1.0. A finding keeps its fingerprint from run to run.
 * @see https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html */
export const sarifOf = (findings: readonly FleetFinding[], version: string): Record<string, unknown> => ({
  $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
  version: '2.1.0',
  runs: [
    {
      tool: {
        driver: {
          name: 'kustody cmk fleet',
          semanticVersion: version,
          rules: fleetRules.map(({ id, title, finds, severity }) => ({
            id,
            shortDescription: { text: title },
            // GitHub takes no rule without these two, nor a place without a line.
            fullDescription: { text: `Finds ${finds}.` },
            help: { text: `Finds ${finds}. ${whereHelpIs}` },
            defaultConfiguration: { level: levels[severity] },
            properties: { 'security-severity': securitySeverity[severity], tags: ['security'] },
          })),
        },
      },
      results: findings.map(resultOf),
    },
  ],
});

function resultOf({ rule, severity, cluster, database, message, remedy }: FleetFinding): Record<string, unknown> {
  const place = database === undefined ? cluster : `${cluster}/databases/${database}`;
  return {
    ruleId: rule,
    ruleIndex: fleetRules.findIndex(({ id }) => id === rule),
    level: levels[severity],
    message: { text: remedy === undefined ? message : `${message}\n${remedy}` },
    locations: [
      {
        // Readers ask for a file; a resource id reads as a path below the root of Azure.
        physicalLocation: {
          artifactLocation: { uri: place.split('/').map(encodeURIComponent).join('/').slice(1) },
          region: { startLine: 1, endLine: 1 },
        },
        logicalLocations: [{ fullyQualifiedName: place, kind: 'resource' }],
      },
    ],
    partialFingerprints: {
      'finding/v1': createHash('sha256')
        .update(JSON.stringify([rule, place.toLowerCase(), message]))
        .digest('hex'),
    },
    properties: { severity },
  };
}
