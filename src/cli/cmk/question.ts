import { createInterface } from 'node:readline/promises';
import { UserError } from '../user-error.ts';

/** Asks on standard error, so that standard output stays what it is. @throws UserError when nobody is there to ask */
export async function ask(question: string): Promise<boolean> {
  if (!process.stdin.isTTY || !process.stderr.isTTY)
    throw new UserError('Nobody is there to ask; nothing was changed.', 'Give --yes to change it without asking.');
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return (await terminal.question(`${question} Type yes: `)).trim() === 'yes';
  } finally {
    terminal.close();
  }
}
