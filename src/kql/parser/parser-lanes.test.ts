import { describe, expect, it } from 'vitest';
import { KqlError } from '../plan/kql-error.ts';
import { ParserLanes } from './parser-lanes.ts';
import type { ParserProcessEvents } from './parser-process.ts';

const catalog = { version: '1', cluster: 'c', databases: [] };

/** A process whose use of processors the test decides, and which answers when the test says so. */
class FakeProcess {
  isReady = false;
  used = 0;
  isKnown = true;
  isEnded = false;
  /** Ids of texts under way. */
  busy: number[] = [];
  readonly events: ParserProcessEvents;
  constructor(events: ParserProcessEvents) {
    this.events = events;
  }
  send({ id }: { readonly id: number }): void {
    this.busy.push(id);
  }
  usedMs(): number | undefined {
    return this.isKnown ? this.used : undefined;
  }
  end(): void {
    this.isEnded = true;
    this.busy = [];
  }
  start(): void {
    this.isReady = true;
    this.events.ready();
  }
  answer(): void {
    const [id = 0] = this.busy.splice(0);
    this.events.replied({ id, k: 'done' });
  }
}

function opened() {
  const processes: FakeProcess[] = [];
  const timers: { readonly ms: number; readonly act: () => void }[] = [];
  const told: string[] = [];
  let nextId = 1;
  const lanes = new ParserLanes(
    (events) => {
      const started = new FakeProcess(events);
      processes.push(started);
      return started;
    },
    {
      parseMsMax: 20_000,
      after: (ms, act) => {
        const timer = { ms, act };
        timers.push(timer);
        return () => {
          if (timers.includes(timer)) timers.splice(timers.indexOf(timer), 1);
        };
      },
    },
  );
  const ask = (text: string, caller = ''): number => {
    const id = nextId++;
    lanes.ask({
      request: { id, k: 'query', text, database: 'db', catalogVersion: '1' },
      ...{ catalog, caller },
      resolve: () => told.push(text),
      reject: (error) => told.push(`${text}: ${error instanceof KqlError ? error.code : error.message}`),
    });
    return id;
  };
  /** The timers of that length go off. */
  const pass = (isDue: (ms: number) => boolean): void => {
    for (const timer of timers.filter(({ ms }) => isDue(ms))) {
      if (!timers.includes(timer)) continue;
      timers.splice(timers.indexOf(timer), 1);
      timer.act();
    }
  };
  /** Whoever waits looks whether it has waited long enough. */
  const look = (): void => pass((ms) => ms < 20_000);
  const process = (index: number): FakeProcess => {
    const found = processes[index];
    if (!found) throw new Error('no such process');
    return found;
  };
  /** A process that has answered before. */
  const warm = (): FakeProcess => {
    ask('first');
    process(0).start();
    process(0).answer();
    told.splice(0);
    return process(0);
  };
  const newest = (): FakeProcess => process(processes.length - 1);
  const alive = (): number => processes.filter(({ isEnded }) => !isEnded).length;
  return { lanes, processes, process, newest, told, timers, ask, look, pass, warm, alive };
}

describe('texts of several callers', () => {
  it('take turns', () => {
    const { ask, warm, told } = opened();
    const only = warm();
    for (const text of ['a1', 'a2', 'a3']) ask(text, 'a');
    ask('b1', 'b');
    for (let left = 4; left > 0; left -= 1) only.answer();
    expect(told).toEqual(['a1', 'a2', 'b1', 'a3']);
  });

  it('go by one that takes long, which goes on aside', () => {
    const { ask, look, warm, process, processes, told } = opened();
    const first = warm();
    ask('long', 'a');
    ask('short', 'b');
    first.used += 399;
    look();
    expect(processes).toHaveLength(1);
    first.used += 1;
    look();
    process(1).start();
    process(1).answer();
    expect(told).toEqual(['short']);
    first.answer();
    expect(told).toEqual(['short', 'long']);
  });

  it('are asked of one process while nobody waits, however long that takes', () => {
    const { ask, look, warm, processes } = opened();
    const only = warm();
    ask('long', 'a');
    only.used += 10_000;
    look();
    expect(processes).toHaveLength(1);
  });

  it('make way while the place aside is taken, and begin anew in it', () => {
    const { ask, look, warm, process, told, alive } = opened();
    const first = warm();
    ask('long', 'a');
    ask('short', 'b');
    ask('longer', 'a');
    ask('shorter', 'b');
    first.used += 400;
    look();
    process(1).start();
    process(1).answer();
    expect(told).toEqual(['short']);
    process(1).used += 400;
    look();
    expect([process(1).isEnded, first.isEnded, alive()]).toEqual([true, false, 2]);
    process(2).start();
    process(2).answer();
    expect(told).toEqual(['short', 'shorter']);
    first.answer();
    expect(told).toEqual(['short', 'shorter', 'long']);
    expect(first.busy).toHaveLength(1);
    first.answer();
    expect(told).toEqual(['short', 'shorter', 'long', 'longer']);
  });

  it('are known again when they took long, and wait for nobody but their like', () => {
    const { ask, look, warm, process, told } = opened();
    const first = warm();
    ask('long', 'a');
    ask('short', 'b');
    first.used += 400;
    look();
    process(1).start();
    process(1).answer();
    ask('long', 'c');
    ask('shorter', 'b');
    process(1).answer();
    expect(told).toEqual(['short', 'shorter']);
    first.answer();
    expect(first.busy).toHaveLength(1);
    first.answer(); // in no time at all: it was the first to need something
    ask('long', 'c');
    expect(process(1).busy).toHaveLength(1);
  });

  it('are at most two at once, and one when the second has had nothing to do for long', () => {
    const { ask, look, pass, warm, process, newest, alive } = opened();
    const first = warm();
    ask('long', 'a');
    ask('short', 'b');
    first.used += 400;
    look();
    process(1).start();
    process(1).answer();
    for (let turn = 0; turn < 10; turn += 1) {
      ask(`long ${turn}`, 'a');
      ask(`short ${turn}`, 'b');
      newest().used += 1_200;
      look();
      expect(alive()).toBe(2);
      newest().start();
      while (newest().busy.length > 0) newest().answer();
    }
    while (first.busy.length > 0) first.answer();
    pass((ms) => ms === 20_000);
    expect([alive(), first.isEnded]).toEqual([1, true]);
  });

  it('are refused when they take too long, wherever they are', () => {
    const { ask, look, pass, warm, process, told, alive } = opened();
    const first = warm();
    ask('long', 'a');
    ask('short', 'b');
    first.used += 400;
    look();
    process(1).start();
    process(1).answer();
    first.used += 19_600;
    pass((ms) => ms === 20_000);
    expect(told).toEqual(['short', 'long: limits']);
    expect([first.isEnded, alive()]).toEqual([true, 1]);
  });

  it('may take as long as the machine is busy with other things', () => {
    const { ask, pass, warm, told } = opened();
    const only = warm();
    ask('long');
    only.used += 5_000;
    pass((ms) => ms === 20_000);
    only.used += 14_990;
    pass((ms) => ms === 15_000);
    expect(told).toEqual([]);
    only.used += 10;
    pass((ms) => ms === 100);
    expect(told).toEqual(['long: limits']);
    expect(only.isEnded).toBe(true);
  });

  it('are answered late, and are not looked at any more', () => {
    const { ask, pass, warm, told, timers } = opened();
    const only = warm();
    ask('long');
    only.used += 5_000;
    pass((ms) => ms === 20_000);
    only.answer();
    expect([told, timers]).toEqual([['long'], []]);
  });

  it('are refused when they get next to nothing of the processors, after twelve times as long', () => {
    const { ask, pass, warm, told } = opened();
    const only = warm();
    ask('long');
    for (let times = 0; times < 11; times += 1) pass((ms) => ms === 20_000);
    expect([told, only.isEnded]).toEqual([[], false]);
    pass((ms) => ms === 20_000);
    expect([told, only.isEnded]).toEqual([['long: limits'], true]);
  });

  it('have the time of the wall where nobody tells what a process uses', () => {
    const { ask, pass, warm, told } = opened();
    const only = warm();
    only.isKnown = false;
    ask('long');
    pass((ms) => ms === 20_000);
    expect([told, only.isEnded]).toEqual([['long: limits'], true]);
  });

  it('do not begin anew when nobody waits for them any more', () => {
    const { lanes, ask, look, warm, process, processes, told } = opened();
    const first = warm();
    const gone = ask('long', 'a');
    ask('short', 'b');
    lanes.abandon(gone);
    first.used += 400;
    look();
    expect(first.isEnded).toBe(true);
    process(1).start();
    process(1).answer();
    expect(told).toContain('short');
    expect(processes.slice(1).flatMap(({ busy }) => busy)).toEqual([]);
  });

  it('are all told when the parser is stopped', () => {
    const { lanes, ask, warm, told } = opened();
    const first = warm();
    ask('one');
    ask('two');
    lanes.stop();
    ask('three');
    expect(told).toEqual(['one: internal', 'two: internal', 'three: internal']);
    expect(first.isEnded).toBe(true);
  });
});
