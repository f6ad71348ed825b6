import { parentPort } from 'node:worker_threads';
import { invariant } from '../../base/invariant.ts';
import { TemplateEvaluation } from '../evaluation.ts';
import type { StepMessage } from './thread-messages.ts';
import { toReply } from './thread-messages.ts';

// A thread that evaluates templates, and does nothing else. Whoever has no more patience ends it.

const evaluations = new Map<number, TemplateEvaluation>();

invariant(parentPort !== null, 'this is the program of a thread');
const port = parentPort;
port.on('message', ({ template, seed, answers, step, work, forget }: StepMessage) => {
  for (const one of forget) evaluations.delete(one);
  if (seed !== undefined) evaluations.set(template, new TemplateEvaluation(seed));
  const evaluation = evaluations.get(template);
  invariant(evaluation !== undefined, 'a template is there before its steps');
  for (const [key, value] of answers) evaluation.answer(key, value);
  port.postMessage(toReply(evaluation.run(step, work)));
});
