import { createInterface } from 'node:readline';
import { UserError } from './user-error.ts';

export interface Terminal {
  readonly input: NodeJS.ReadableStream & { readonly isTTY?: boolean };
  readonly output: NodeJS.WritableStream & { readonly isTTY?: boolean };
}

const standard: Terminal = { input: process.stdin, output: process.stderr };

/** What shells give a program that was interrupted. */
const interruptedExitCode = 130;

/** Asks on standard error, so that standard output stays what it is. Anything but the word means no, the end of the input too.
 * @param refusal what is said when nobody is there to ask
 * @throws UserError then, and when the question is interrupted */
export async function ask(
  question: string,
  refusal = {
    message: 'Nobody is there to ask; nothing was changed.',
    hint: 'Give --yes to change it without asking.',
  },
  { input, output }: Terminal = standard,
  word = 'yes',
): Promise<boolean> {
  if (input.isTTY !== true || output.isTTY !== true) throw new UserError(refusal.message, refusal.hint);
  const terminal = createInterface({ input, output, terminal: true });
  try {
    return await new Promise<boolean>((resolve, reject) => {
      terminal.once('SIGINT', () => {
        output.write('\n');
        reject(new UserError('Interrupted; nothing was changed.', undefined, interruptedExitCode));
      });
      terminal.once('close', () => {
        resolve(false);
      });
      terminal.question(`${question} Type ${word}: `, (answer) => {
        resolve(answer.trim() === word);
      });
    });
  } finally {
    terminal.close();
  }
}
