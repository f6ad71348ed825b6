import { Type } from '@sinclair/typebox';
import type { AllowedRequest } from './data-plane-calls.ts';
import type { Message } from './message.ts';
import { oneOf, outcome, text } from './message.ts';

/** A script of commands that somebody had the resource manager run: as the one who asked, and with no more than their rights. */
export interface ScriptCall {
  readonly access: AllowedRequest;
  readonly database: string;
  readonly script: string;
  readonly continueOnErrors: boolean;
}

/** `unsupported`: a command that cannot stand in a script, or no script at all. `unavailable`: the key is not there (any more). */
export const scriptReply = Type.Union([
  outcome('ran', {}),
  outcome('failed', { kind: oneOf(['unauthorized', 'unsupported', 'command']), message: text(20_000) }),
  outcome('unavailable', {}),
]);

export type ScriptReply = Message<typeof scriptReply>;
