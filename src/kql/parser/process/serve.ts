import { invariant } from '../../../base/invariant.ts';
import { mindNoSignals } from '../../../base/mind-no-signals.ts';
import { engineMistake, KqlError, serializeKqlError } from '../../plan/kql-error.ts';
import { KnownCatalogs } from '../catalog-differences.ts';
import type { ParserReply, ParserRequest } from '../parser-protocol.ts';
import { compileCommand } from './commands.ts';
import { compileQuery } from './compile.ts';
import type { EngineFunctions } from './binder/engine-functions.ts';
import { engineFunctions } from './binder/engine-functions.ts';
import { compiledCalls } from './build/expressions/compiled-calls.ts';
import { compileGraph, keptGraphs } from './build/operators/kept-graphs.ts';
import { stateCache } from './binder/global-state.ts';
import { visitors } from './build/visitors.ts';

const stateOf = stateCache();
const catalogs = new KnownCatalogs();
let functions: EngineFunctions = engineFunctions({}, compiledCalls);

/** Answers one request. Never throws. */
export function answer(request: ParserRequest): ParserReply {
  const { id } = request;
  try {
    if (request.k === 'functions') {
      functions = engineFunctions(request.functions, compiledCalls);
      return { id, k: 'done' };
    }
    if (request.k === 'catalog') {
      catalogs.add(request.catalog);
      return { id, k: 'done' };
    }
    const known = catalogs.get(request.catalogVersion);
    invariant(known, 'a catalog is told before it is asked about');
    const graphs = keptGraphs(known, functions, stateOf);
    if (request.k === 'command')
      return { id, k: 'commandParsed', command: compileCommand(request.text, request.database, graphs, request.told) };
    if (request.k === 'query')
      return { id, k: 'program', program: compileQuery(request.text, request.database, graphs, request) };
    const model = graphs.find(request.database, request.text);
    if (!model) {
      const message = `The name '${request.text}' does not refer to any known graph model.`;
      throw engineMistake('semantic', { code: 'SEM0100' }, message, undefined, 'KS260');
    }
    return { id, k: 'program', program: compileGraph(model, request.database, graphs, visitors) };
  } catch (error) {
    if (error instanceof KqlError) return { id, k: 'refused', error: serializeKqlError(error) };
    if (error instanceof TypeError && error.message.includes('hasOwnProperty is not a function'))
      return {
        id,
        k: 'refused',
        error: { code: 'notSupported', message: "The name 'hasOwnProperty' is not supported." },
      };
    const name = error instanceof RangeError ? 'limits' : 'internal';
    const message =
      error instanceof RangeError
        ? 'The query is nested too deeply.'
        : `The parser failed: ${error instanceof Error ? error.message : 'unknown'}`;
    return { id, k: 'refused', error: { code: name, message } };
  }
}

/** The parser process: one request at a time over IPC; the parent kills it when it takes too long. Holds names, never rows
 * or keys. */
export function serve(): void {
  mindNoSignals();
  process.on('message', (message) => {
    process.send?.(answer(message as ParserRequest));
  });
  process.on('disconnect', () => process.exit(0));
  process.send?.({ id: 0, k: 'ready' } satisfies ParserReply);
}
