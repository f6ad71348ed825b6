import { setTimeout as sleep } from 'node:timers/promises';
import { ApplyStopped } from '../../cmk/apply.ts';
import { azureErrorLine, oneLine } from '../../cmk/azure-error.ts';
import type { Pace } from '../../cmk/changes.ts';
import { connectClients } from '../../cmk/clients.ts';
import type { CmkClients } from '../../cmk/clients.ts';
import { UserError } from '../user-error.ts';

export interface Session {
  readonly clients: CmkClients;
  readonly pace: Pace;
}

/** Runs an action with clients that end with its time. @throws UserError for whatever Azure refuses: one line, no stack trace */
export async function withSession(timeoutSeconds: number, action: (session: Session) => Promise<void>): Promise<void> {
  const deadline = new AbortController();
  const timer = setTimeout(() => deadline.abort(), timeoutSeconds * 1000);
  const { signal } = deadline;
  try {
    await action({
      clients: connectClients({ signal, now: () => Date.now() }),
      pace: {
        now: () => new Date(),
        sleep: async (milliseconds) => {
          await sleep(milliseconds, undefined, { signal });
        },
      },
    });
  } catch (error) {
    if (signal.aborted && !(error instanceof UserError) && !isOurs(error))
      throw new UserError(`Not finished within ${timeoutSeconds} seconds.`, 'What is done stays done: run it again.');
    throw asUserError(error);
  } finally {
    clearTimeout(timer);
  }
}

/** Whatever Azure refuses, in one line. */
export function asUserError(error: unknown): unknown {
  if (error instanceof UserError || isOurs(error)) return error;
  if (error instanceof ApplyStopped) return new UserError(oneLine(error.message));
  return new UserError(azureErrorLine(error), signInHint(error));
}

/** A mistake in this program, and nothing that Azure said. */
const isOurs = (error: unknown): boolean =>
  error instanceof TypeError || error instanceof RangeError || error instanceof ReferenceError;

const signInHint = (error: unknown): string | undefined =>
  error instanceof Error && /CredentialUnavailable|AggregateAuthentication/.test(error.name)
    ? "Sign in with 'az login', or set AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET."
    : undefined;
