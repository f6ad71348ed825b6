import { sha256Hex } from '../../base/sha256.ts';
import { RecentMap } from '../../base/recent-map.ts';
import type { KqlCatalog } from '../plan/catalog.ts';
import { KqlError } from '../plan/kql-error.ts';
import { FairQueue } from './fair-queue.ts';
import type { ParserProcess, ParserProcessEvents } from './parser-process.ts';
import type { ParserReply, ParserRequest } from './parser-protocol.ts';

/** The process may go on for so long with a text that nobody waits for any more: starting another one takes about as long. */
const abandonedMsMax = 500;
/** Of processors: a text that has used so much makes way as soon as somebody waits behind it. Texts of people take a tenth of that, with a
 * large schema and all to be looked at for the first time. */
const patienceMs = 400;
/** The first text of a process also pays for what a process makes once. */
const coldPatienceMs = 1_200;
/** The second process ends, with its memory, when no text has been asked of it for so long. */
const asideIdleMs = 20_000;
/** Texts that are known to take long. */
const costlyMax = 500;
/** A text that takes so many times what it may use of processors is refused, however little of them it got. */
const wallShare = 12;
/** The kernel tells what a process has used in steps; less is not waited for. */
const lookMsMin = 100;

export interface LaneTimes {
  /** Of processors, where that is known: a text that uses more is refused and the process replaced. */
  readonly parseMsMax: number;
  /** Runs `act` once `ms` have passed on the wall clock, unless cancelled. */
  readonly after: (ms: number, act: () => void) => () => void;
}

/** A text that waits to be parsed. */
export interface Asked {
  readonly request: ParserRequest & { readonly text: string };
  readonly catalog: KqlCatalog;
  /** Who takes turns with others; '' for the engine's own. */
  readonly caller: string;
  readonly resolve: (reply: ParserReply) => void;
  readonly reject: (error: Error) => void;
}

interface UnderWay {
  readonly asked: Asked;
  /** What the process had used when it was given the text. */
  readonly usedMsBefore: number | undefined;
  readonly isFirst: boolean;
  cancelLimit: () => void;
  /** Of a text that nobody waits for any more. */
  cancelKill?: () => void;
}

type LaneProcess = Pick<ParserProcess, 'isReady' | 'send' | 'usedMs' | 'end'>;

/** A process, started when there is something for it, and what it is busy with. */
interface Lane {
  process: LaneProcess | undefined;
  current: UnderWay | undefined;
  hasAnswered: boolean;
}
const newLane = (): Lane => ({ process: undefined, current: undefined, hasAnswered: false });

/** Shares processes of the parser among texts, so that none waits long behind one that takes long.
 *
 * All texts go to one process. One that has used `patienceMs` there while others wait makes way: its process goes on with it aside, and a fresh
 * one takes over. There is one place aside. A text that must make way while it is taken waits for it, and begins anew there, where nobody ends
 * it before `parseMsMax`; it is remembered, and comes to that place at once when it is sent again. So there are two processes at most, and a
 * text of a caller's who sent no other waits for one text of each other caller, `patienceMs` at most of each. */
export class ParserLanes {
  readonly #startProcess: (events: ParserProcessEvents) => LaneProcess;
  readonly #times: LaneTimes;
  #main = newLane();
  #aside: Lane | undefined;
  readonly #waiting = new FairQueue<Asked>();
  readonly #waitingAside = new FairQueue<Asked>();
  readonly #costly = new RecentMap<string, true>(costlyMax);
  #cancelPatience: (() => void) | undefined;
  #cancelIdle: (() => void) | undefined;
  readonly #onReady: { readonly resolve: () => void; readonly reject: (error: Error) => void }[] = [];
  #isStopped = false;

  constructor(startProcess: (events: ParserProcessEvents) => LaneProcess, times: LaneTimes) {
    this.#startProcess = startProcess;
    this.#times = times;
  }

  ask(asked: Asked): void {
    if (this.#isStopped) {
      asked.reject(stoppedError());
      return;
    }
    const isCostly = this.#costly.size > 0 && this.#costly.get(nameOf(asked)) !== undefined;
    (isCostly ? this.#waitingAside : this.#waiting).push(asked.caller, asked);
    this.#pump();
  }

  /** Resolves when the first process can take requests. */
  ready(): Promise<void> {
    if (this.#main.process?.isReady === true) return Promise.resolve();
    return new Promise((resolve, reject) => {
      this.#onReady.push({ resolve, reject });
      this.#main.process ??= this.#start(this.#main);
    });
  }

  /** Nobody waits for the answer any more. */
  abandon(id: number): void {
    const isMeant = ({ request }: Asked): boolean => request.id === id;
    if (this.#waiting.remove(isMeant) || this.#waitingAside.remove(isMeant)) return;
    for (const lane of this.#lanes()) {
      const { current } = lane;
      if (current === undefined || !isMeant(current.asked)) continue;
      current.cancelKill = this.#times.after(abandonedMsMax, () => this.#endCurrent(lane, current));
    }
  }

  stop(): void {
    this.#isStopped = true;
    this.#cancelPatience?.();
    this.#cancelIdle?.();
    for (const lane of this.#lanes()) {
      cancelTimers(lane.current);
      lane.process?.end();
      lane.current?.asked.reject(stoppedError());
    }
    for (const { reject } of [...this.#waiting.clear(), ...this.#waitingAside.clear(), ...this.#onReady.splice(0)])
      reject(stoppedError());
  }

  #lanes(): Lane[] {
    return this.#aside === undefined ? [this.#main] : [this.#main, this.#aside];
  }

  #start(lane: Lane): LaneProcess {
    lane.hasAnswered = false;
    const started: LaneProcess = this.#startProcess({
      ready: () => {
        if (lane === this.#main) for (const { resolve } of this.#onReady.splice(0)) resolve();
        this.#pump();
      },
      replied: (reply) => this.#replied(lane, reply),
      gone: (error, wasReady) => {
        if (lane.process === started) this.#lost(lane, error, wasReady);
      },
    });
    return started;
  }

  #pump(): void {
    if (this.#isStopped) return;
    const { current } = this.#main;
    // Two places for what takes long only while others wait: where nothing does, one process is enough.
    if (this.#aside === undefined && this.#waitingAside.size > 0 && (current !== undefined || this.#waiting.size > 0))
      this.#aside = newLane();
    if (this.#aside !== undefined) this.#give(this.#aside, () => this.#waitingAside.shift(), this.#waitingAside.size);
    const fromAside = this.#waiting.size === 0 && this.#aside === undefined;
    this.#give(
      this.#main,
      () => (fromAside ? this.#waitingAside : this.#waiting).shift(),
      fromAside ? this.#waitingAside.size : this.#waiting.size,
    );
    this.#watchPatience();
    this.#watchIdle();
  }

  #give(lane: Lane, take: () => Asked | undefined, size: number): void {
    if (lane.current !== undefined || size === 0) return;
    lane.process ??= this.#start(lane);
    const { process } = lane;
    if (!process.isReady) return;
    const asked = take();
    if (asked === undefined) return;
    const current: UnderWay = {
      asked,
      usedMsBefore: process.usedMs(),
      isFirst: !lane.hasAnswered,
      cancelLimit: () => undefined,
    };
    lane.current = current;
    this.#watchLimit(lane, current, 0, this.#times.parseMsMax);
    process.send(asked.request, asked.catalog);
  }

  /** Ends a text that has used what it may of processors: on a machine that is busy with other things it has more time for that.
   * @param waitedMs on the wall clock, at least @param ms until it is looked at */
  #watchLimit(lane: Lane, current: UnderWay, waitedMs: number, ms: number): void {
    const { parseMsMax, after } = this.#times;
    current.cancelLimit = after(ms, () => {
      const waited = waitedMs + ms;
      const left = Math.min(parseMsMax - (usedFor(current, lane) ?? waited), wallShare * parseMsMax - waited);
      if (left > 0) {
        this.#watchLimit(lane, current, waited, Math.max(left, lookMsMin));
        return;
      }
      this.#costly.set(nameOf(current.asked), true);
      this.#endCurrent(lane, current, new KqlError('limits', 'The query takes too long to parse.'));
    });
  }

  #replied(lane: Lane, reply: ParserReply): void {
    const { current } = lane;
    if (current?.asked.request.id === reply.id) {
      // A text may have taken long for what it was the first to need.
      if (this.#costly.size > 0 && this.#patienceLeft(current, lane) > 0) this.#costly.delete(nameOf(current.asked));
      lane.current = undefined;
      lane.hasAnswered = true;
      cancelTimers(current);
      current.asked.resolve(reply);
    }
    this.#pump();
  }

  /** Ends the process that is busy with a text. @param error absent: nobody waits for it */
  #endCurrent(lane: Lane, current: UnderWay, error = new KqlError('cancelled', 'The query was stopped.')): void {
    if (lane.current !== current) return;
    lane.process?.end();
    this.#lost(lane, error, true);
  }

  #lost(lane: Lane, error: KqlError, wasReady: boolean): void {
    const { current } = lane;
    [lane.process, lane.current] = [undefined, undefined];
    cancelTimers(current);
    current?.asked.reject(error);
    // Another one would not start either: whoever waits is told, and who asks next begins anew.
    if (!wasReady)
      for (const { reject } of [...this.#waiting.clear(), ...this.#waitingAside.clear(), ...this.#onReady.splice(0)])
        reject(error);
    this.#pump();
  }

  /** Looks again and again whether a text makes way, as long as somebody waits behind it. */
  #watchPatience(): void {
    if (this.#cancelPatience !== undefined || this.#main.current === undefined || this.#waiting.size === 0) return;
    this.#cancelPatience = this.#times.after(this.#patienceLeft(this.#main.current, this.#main), () => {
      this.#cancelPatience = undefined;
      const { current } = this.#main;
      if (current !== undefined && this.#waiting.size > 0 && this.#patienceLeft(current, this.#main) <= 0)
        this.#makeWay(current);
      this.#watchPatience();
    });
  }

  /** ms; the time of processors, so that on a machine that is busy with other things nobody makes way for that. */
  #patienceLeft(current: UnderWay, lane: Lane): number {
    return (current.isFirst ? coldPatienceMs : patienceMs) - (usedFor(current, lane) ?? 0);
  }

  #makeWay(current: UnderWay): void {
    const { asked } = current;
    if (current.cancelKill !== undefined) {
      this.#endCurrent(this.#main, current);
      return;
    }
    this.#costly.set(nameOf(asked), true);
    const [main, aside] = [this.#main, this.#aside];
    if (aside?.current === undefined) {
      [this.#main, this.#aside] = [aside ?? newLane(), main];
    } else {
      main.process?.end();
      [main.process, main.current] = [undefined, undefined];
      cancelTimers(current);
      this.#waitingAside.push(asked.caller, asked);
    }
    this.#pump();
  }

  #watchIdle(): void {
    if (this.#aside?.current !== undefined) {
      this.#cancelIdle?.();
      this.#cancelIdle = undefined;
    } else if (this.#aside !== undefined && this.#cancelIdle === undefined) {
      this.#cancelIdle = this.#times.after(asideIdleMs, () => {
        this.#cancelIdle = undefined;
        this.#aside?.process?.end();
        this.#aside = undefined;
      });
    }
  }
}

/** ms of processors, of a text that a process is busy with; undefined where that is not known. */
function usedFor({ usedMsBefore }: UnderWay, { process }: Lane): number | undefined {
  const used = process?.usedMs();
  return used === undefined || usedMsBefore === undefined ? undefined : used - usedMsBefore;
}

function cancelTimers(current: UnderWay | undefined): void {
  current?.cancelLimit();
  current?.cancelKill?.();
}

const nameOf = ({ request }: Asked): string => sha256Hex(request.text);

const stoppedError = (): KqlError => new KqlError('internal', 'The parser is stopped.');
