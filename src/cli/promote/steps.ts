import { rowsOf } from './batches.ts';
import type { DatabasePlan, TablePlan } from './plan-promotion.ts';
import { exportCommand } from './send-rows.ts';

/** What is done on the target, in this order, each with the text that a plan shows. */
export type Step =
  | { readonly kind: 'createDatabase'; readonly text: string }
  /** @param isAsync ends with an operation */
  | { readonly kind: 'command'; readonly text: string; readonly isAsync?: true }
  | { readonly kind: 'rows'; readonly text: string; readonly table: TablePlan }
  | { readonly kind: 'counts'; readonly text: string }
  | { readonly kind: 'role'; readonly text: string };

export interface PlannedDatabase {
  readonly plan: DatabasePlan;
  readonly steps: readonly Step[];
}

export interface RoleOptions {
  readonly roles: boolean;
  /** Fully qualified names of principals of here, and who they are there. */
  readonly principals: ReadonlyMap<string, string>;
}

/** Order: schema → update policies of an earlier run off → which batches there are → rows → counts → views, made of the rows that came →
 * what would have doubled rows, dropped them or hidden them → roles. Each can be done again. */
export function stepsOf(plan: DatabasePlan, { roles, principals }: RoleOptions): readonly Step[] {
  const { name, isThere, phases, paused, tables, record, periods } = plan;
  const kept = Object.entries(periods).map(([period, time]) => ` ${period}=${time}`);
  const command = (text: string): Step => ({ kind: 'command', text });
  return [
    ...(isThere
      ? []
      : [
          {
            kind: 'createDatabase' as const,
            text: `create database ${name}${kept.join('')} (by the resource manager)`,
          },
        ]),
    ...phases.before.map(command),
    ...paused.map(command),
    ...(tables.length === 0
      ? []
      : [
          command(record),
          ...tables.map((table): Step => ({ kind: 'rows', table, text: rowsText(table) })),
          { kind: 'counts' as const, text: `compare the rows of ${tables.length} tables` },
        ]),
    ...phases.views.map((text): Step => ({ kind: 'command', text, isAsync: true })),
    ...phases.after.map(command),
    ...(roles ? phases.roles.map((text): Step => ({ kind: 'role', text: renamed(text, principals) })) : []),
  ];
}

/** Without what proves access to staging. */
function rowsText({ table, batches, toSend }: TablePlan): string {
  const here = `rows of ${table}: ${rowsOf(batches)} in ${batches.length} batches`;
  const there = batches.length - toSend.length;
  const already = there === 0 ? '' : `, ${there} of them there already`;
  const exports = toSend.map((batch) => `\n  ${exportCommand(table, batch, '(staging of the target)')}`);
  return `${here}${already}${exports.join('')}`;
}

function renamed(text: string, principals: ReadonlyMap<string, string>): string {
  let changed = text;
  for (const [from, to] of principals) changed = changed.replaceAll(JSON.stringify(from), JSON.stringify(to));
  return changed;
}
