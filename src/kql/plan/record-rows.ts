import { KqlError } from './kql-error.ts';
import type { Plan, Program, SharedTable } from './plan.ts';
import { factColumn, rowColumn } from './record-facts.ts';
import type { Column } from './types.ts';

/** Which records of a table: the id of the extent that each is in, and its place there. */
const placeColumns: readonly Column[] = [factColumn('extent_id'), rowColumn];

/** What may stand between a table and those of its records that are to go. `joined`: also `join kind=leftsemi`. */
export interface RecordRules {
  readonly database: string;
  /** As plans name it, and as people do. */
  readonly table: string;
  readonly title: string;
  readonly joined: boolean;
}

/** Makes of a query over the records of a table one that tells which records they are: extents as text, and places there.
 * @param index of the result
 * @throws KqlError semantic for a query of another kind, as the service has them
 * @see https://learn.microsoft.com/kusto/concepts/data-soft-delete "Limitations and considerations" */
export function withRecordPlaces(program: Program, index: number, rules: RecordRules): Program {
  const walk = new Walk(program.lets, rules);
  const results = program.results.map((result, at) => {
    if (at !== index) return result;
    const input = walk.carried(result.plan);
    if (!walk.isFiltered) throw refusal(rules, "it needs at least one 'where'");
    const cols = placeColumns.map(({ type }, place) => ({ name: place === 0 ? 'extent' : 'row', type }));
    return { ...result, plan: { op: 'select', input, from: placeColumns.map(({ name }) => name), cols } as const };
  });
  return { ...program, results };
}

const refusal = ({ title, joined }: RecordRules, why: string): KqlError =>
  new KqlError(
    'semantic',
    `The records to delete are told by a query over '${title}' with ${joined ? 'extend, join kind=leftsemi, order, project, take and where' : 'extend, order, project, take and where'} alone: ${why}.`,
  );

class Walk {
  isFiltered = false;
  readonly #lets: readonly SharedTable[];
  readonly #rules: RecordRules;

  constructor(lets: readonly SharedTable[], rules: RecordRules) {
    this.#lets = lets;
    this.#rules = rules;
  }

  /** The same rows, and where each is. */
  carried(plan: Plan): Plan {
    switch (plan.op) {
      case 'table':
        if (plan.database !== this.#rules.database || plan.table !== this.#rules.table)
          throw refusal(this.#rules, `it begins with '${plan.table}'`);
        return withPlaces(plan);
      case 'filter':
        this.isFiltered = true;
        return withPlaces({ ...plan, input: this.carried(plan.input) });
      case 'extend':
      case 'sort':
      case 'top':
      case 'take':
        return withPlaces({ ...plan, input: this.carried(plan.input) });
      case 'project': {
        const own = placeColumns.map((column) => ({
          names: [column.name],
          expression: { k: 'column', ...column } as const,
        }));
        return withPlaces({ ...plan, input: this.carried(plan.input), items: [...plan.items, ...own] });
      }
      case 'select': {
        const from = [...plan.from, ...placeColumns.map(({ name }) => name)];
        return withPlaces({ ...plan, input: this.carried(plan.input), from });
      }
      case 'join':
        if (!this.#rules.joined || plan.kind !== 'leftsemi')
          throw refusal(this.#rules, `it has join kind=${plan.kind}`);
        return this.#joined(plan);
      case 'reference': {
        const found = this.#lets.find(({ id }) => id === plan.id);
        if (found !== undefined && !found.materialized) return this.carried(found.plan);
        throw refusal(this.#rules, 'it has materialize()');
      }
      default:
        throw refusal(this.#rules, `it has '${plan.op}'`);
    }
  }

  /** Columns of the left side go by their places. */
  #joined(plan: Extract<Plan, { op: 'join' }>): Plan {
    const left = this.carried(plan.left);
    const added = left.cols.slice(plan.left.cols.length);
    return { ...plan, left, cols: [...plan.cols, ...added] };
  }
}

/** Columns that are there already, because a function asks for them, stay where they are. */
function withPlaces<Node extends Plan>(plan: Node): Node {
  const added = placeColumns.filter(({ name }) => !plan.cols.some((column) => column.name === name));
  return { ...plan, cols: [...plan.cols, ...added] };
}
