import type { SupervisorCall, SupervisorCalls } from '../messages/supervisor-calls.ts';
import type { SupervisorReplies } from '../messages/supervisor-replies.ts';

/** Answers calls of the supervisor, one row for each. Answers are values; an error here is a bug and reaches the supervisor by its name
 * only. */
export type Operations<Call extends SupervisorCall = SupervisorCall> = {
  readonly [One in Call]: (call: SupervisorCalls[One]) => Promise<SupervisorReplies[One]> | SupervisorReplies[One];
};

/** Asks the supervisor. */
export type AskSupervisor = (operation: string, body: unknown) => Promise<unknown>;
