import type { Fleet, FleetCluster } from './fleet-facts.ts';
import type { FleetPolicy } from './fleet-policy.ts';
import type { FleetRule, Severity } from './fleet-rules.ts';
import { fleetRules } from './fleet-rules.ts';

export interface FleetFinding {
  readonly rule: string;
  readonly severity: Severity;
  /** Resource id of the cluster. */
  readonly cluster: string;
  /** Absent: the whole cluster. */
  readonly database?: string;
  readonly message: string;
  /** A command that mends it, or shows more. */
  readonly remedy?: string;
}

/** The gravest first. */
export const severities: readonly Severity[] = ['high', 'medium', 'low', 'note'];

/** What the rules say of a fleet, the gravest first, and of one severity in the order of the clusters. */
export function fleetFindings({ clusters }: Fleet, policy: FleetPolicy, now: Date): readonly FleetFinding[] {
  return clusters
    .flatMap((one) => fleetRules.flatMap((rule) => findingsOf(rule, one, policy, now)))
    .toSorted((left, right) => severities.indexOf(left.severity) - severities.indexOf(right.severity));
}

function findingsOf(rule: FleetRule, one: FleetCluster, policy: FleetPolicy, now: Date): readonly FleetFinding[] {
  const about = { rule: rule.id, severity: rule.severity, cluster: one.cluster.id };
  return [
    ...(rule.ofCluster?.(one, policy) ?? []).map((found) => ({ ...about, ...found })),
    ...one.keys.flatMap((key) =>
      (rule.ofKey?.(key, policy, now) ?? []).map((found) => ({
        ...about,
        ...(key.database === undefined ? {} : { database: key.database }),
        ...found,
      })),
    ),
  ];
}

/** At least as grave. */
export const isAsGrave = (severity: Severity, least: Severity): boolean =>
  severities.indexOf(severity) <= severities.indexOf(least);
