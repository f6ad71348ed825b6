import { dataError } from '../catalog/data-error.ts';
import type { OperationRecord } from '../catalog/operations.ts';
import { OperationCanceledError } from '../operations-under-way.ts';
import type { Command, CommandRow, Row } from './command.ts';
import type { CommandContext } from './command-context.ts';
import { ticksOf } from './instants.ts';
import { isAllowed, requirePermission } from './permissions.ts';

/** Of others' operations only administrators of the database know, and may stop them. @throws DataError, ForbiddenError */
function requireOperation(command: Command, context: CommandContext): OperationRecord {
  const id = command.required('OperationId').toLowerCase();
  const isSeen = ({ principal, database }: OperationRecord): boolean =>
    principal === context.caller.fqn || isAllowed(context, 'monitor', database);
  const found = context.data.operations().find((one) => one.operationId === id && isSeen(one));
  if (found === undefined) throw dataError('OperationNotFound', id.slice(0, 200));
  if (found.principal !== context.caller.fqn) requirePermission(context, 'admin', found.database, command.kind);
  return found;
}

async function cancel(command: Command, context: CommandContext): Promise<readonly Row[]> {
  const operation = requireOperation(command, context);
  const { reason = '' } = command.properties(['reason']);
  const told = reason === '' ? '' : `: ${reason.slice(0, 500)}`;
  const error = new OperationCanceledError(`The operation was canceled by '${context.caller.fqn}'${told}`);
  const isStopped = await context.data.underWay.cancel(operation.operationId, error);
  const why = isStopped === true ? reason : whyNot(operation, isStopped);
  return [
    [
      ...[operation.operationId, operation.operation, ticksOf(operation.startedOn)],
      ...[isStopped === true ? 'Cancelled successfully' : 'Cancel failed', why],
    ],
  ];
}

const whyNot = ({ operation, state }: OperationRecord, isStopped: boolean | undefined): string =>
  isStopped === false || state !== 'InProgress'
    ? 'The operation has ended.'
    : `Operations of the kind '${operation}' cannot be canceled.`;

/** @see Kusto ".cancel operation" */
export const cancelCommands: readonly CommandRow[] = [
  {
    kinds: {
      CancelOperation: [
        '.cancel operation 703c50e3-e15f-4033-92bf-bec799fcc383 with (reason = "Too long")',
        'cancel operation {OperationId} with',
      ],
    },
    permission: 'anyone',
    columns:
      'OperationId: guid, Operation: string, StartedOn: datetime, CancellationState: string, ReasonPhrase: string',
    run: cancel,
  },
];
