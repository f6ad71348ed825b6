import type { RefObject } from 'react';
import { useCallback, useEffect } from 'react';
import { ask, failureOfRequest } from './ask.ts';
import type { Failure } from './answer/answer.ts';
import type { KqlEditorHandle } from './editor/kql-editor.tsx';
import type { Statement } from './editor/statement.ts';
import { declaredParameters, isCommand, placeInText } from './editor/statement.ts';
import type { QueryTab, Run } from './query-tabs.ts';
import { changeTab, remember } from './query-tabs.ts';

const running = new Map<string, AbortController>();

/** @param commandRan after a management command, which may have changed the schema */
export function useRunner(editor: RefObject<KqlEditorHandle | null>, commandRan: () => void) {
  const run = useCallback(
    async (tab: QueryTab): Promise<void> => {
      const statement = editor.current?.statement();
      if (statement === undefined || statement.text.trim() === '' || running.has(tab.id)) return;
      const controller = new AbortController();
      running.set(tab.id, controller);
      changeTab(tab.id, { run: { statement, state: 'running' } });
      const began = performance.now();
      const ended = await outcome(tab, statement, controller.signal);
      running.delete(tab.id);
      changeTab(tab.id, { run: { statement, ...ended, seconds: (performance.now() - began) / 1000 } });
      remember({ text: statement.text, host: tab.host, database: tab.database, at: new Date(), state: ended.state });
      const place = placeOf(ended);
      if (place !== undefined) editor.current?.mark(placeInText(statement, place.at), place.message);
      if (isCommand(statement.text)) commandRan();
    },
    [editor, commandRan],
  );
  const cancel = useCallback((id: string) => running.get(id)?.abort(), []);
  useEffect(() => () => running.forEach((controller) => controller.abort()), []);
  return { run: (tab: QueryTab) => void run(tab), cancel };
}

type Ended = Omit<Run, 'statement' | 'seconds'>;

async function outcome(tab: QueryTab, statement: Statement, signal: AbortSignal): Promise<Ended> {
  const declared = new Set(declaredParameters(statement.text).map(({ name }) => name));
  const given = Object.entries(tab.parameters).filter(([name, value]) => declared.has(name) && value !== '');
  try {
    const answer = await ask(tab, statement.text, Object.fromEntries(given), signal);
    return { state: answer.cancelled ? 'cancelled' : answer.failures.length > 0 ? 'failed' : 'done', answer };
  } catch (error) {
    return signal.aborted ? { state: 'cancelled' } : { state: 'failed', failure: failureOfRequest(error) };
  }
}

function placeOf({ failure, answer }: Ended): { at: NonNullable<Failure['place']>; message: string } | undefined {
  const failed = [failure, ...(answer?.failures ?? [])].find((one) => one?.place !== undefined);
  return failed?.place === undefined ? undefined : { at: failed.place, message: failed.message };
}
