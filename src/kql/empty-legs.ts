import type { Plan, Program } from './plan/plan.ts';
import { replacePlans } from './plan/walk.ts';

/** The program without the legs of unions that are tables without rows: of a wildcard over hundreds of tables each leg has a column in SQL for
 * each column of all. One leg always stays. A condition of `search` and `find` is the same in every leg, so what is wrong in it is found in the
 * one that stays; other conditions are looked at wherever they stand.
 * @param isEmpty a table that has been opened, and has no row */
export function withoutEmptyLegs(program: Program, isEmpty: (database: string, table: string) => boolean): Program {
  const isLeft = (plan: Plan, oneCondition: boolean): boolean => {
    if (plan.op === 'table') return isEmpty(plan.database, plan.table);
    // What `find` packs of a leg is made beside its filter.
    const filter = plan.op === 'extend' ? plan.input : plan;
    return oneCondition && filter.op === 'filter' && isLeft(filter.input, false);
  };
  const instead = (plan: Plan): Plan | undefined => {
    if (plan.op !== 'union') return undefined;
    const [first, ...others] = plan.legs;
    const legs = plan.legs.filter((leg) => !isLeft(leg.plan, plan.oneCondition === true));
    if (first === undefined || others.length === 0 || legs.length === plan.legs.length) return undefined;
    const kept = legs.length > 0 ? legs : [first];
    return { ...plan, legs: kept.map((leg) => ({ ...leg, plan: replacePlans(leg.plan, instead) })) };
  };
  return replacePlans(program, instead);
}
