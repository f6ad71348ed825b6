import { checkChildName, deleteChild, getChild, patchChild, putChild, readChildren } from './child-operations.ts';
import type { ChildKind } from './child-kind.ts';
import { clusterAction, clusterPath, databaseAction, databasePath, postRow } from './child-row.ts';
import type { ChildHandler, ChildRow } from './child-row.ts';

type Operation = (kind: ChildKind, ...args: Parameters<ChildHandler>) => ReturnType<ChildHandler>;

const operations = {
  GET: ['Get', 'read', getChild],
  PUT: ['CreateOrUpdate', 'write', putChild],
  PATCH: ['Update', 'write', patchChild],
  DELETE: ['Delete', 'delete', deleteChild],
} as const satisfies Record<ChildKind['methods'][number], readonly [string, string, Operation]>;

/** The operations of one type of child. */
export function rowsOf(kind: ChildKind): readonly ChildRow[] {
  const [base, parentAction] =
    kind.parent === 'cluster' ? [clusterPath, clusterAction] : [databasePath, databaseAction];
  const list = `${base}/${kind.type}`;
  const action = `${parentAction}/${kind.type}`;
  const bound =
    (operation: Operation): ChildHandler =>
    (ports, request) =>
      operation(kind, ports, request);
  const { nameCheck } = kind;
  return [
    [`${kind.group}_${kind.list}`, 'GET', list, `${action}/read`, bound(readChildren)],
    ...kind.methods.map((method): ChildRow => {
      const [id, verb, operation] = operations[method];
      const row = [
        `${kind.group}_${id}`,
        method,
        `${list}/{childName}`,
        `${action}/${verb}`,
        bound(operation),
      ] as const;
      return verb === 'write' && kind.links !== undefined ? [...row, kind.links] : row;
    }),
    ...(nameCheck === undefined
      ? []
      : [postRow(`${kind.group}_CheckNameAvailability`, kind.parent, nameCheck, kind.since, bound(checkChildName))]),
  ];
}
