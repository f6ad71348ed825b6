import { expect, it } from 'vitest';
import { MovingLink } from './moving-link.ts';
import type { NodeFrame, NodeLink } from './remote-process.ts';

type Side = 'here' | 'there';
const other = { here: 'there', there: 'here' } as const;

/** Besides frames there is what shows that a link lives, and its end. */
type OnItsWay = NodeFrame | 'alive' | 'end';

/** Two ends, and links between them, each of which brings its frames in their order when the test says so. As with TCP, whoever closes one that has
 * something left to read cuts off what the other end has not read yet. */
function open() {
  const ends: Record<Side, { words: MovingLink | undefined; readonly heard: unknown[]; closed: number }> = {
    here: { words: undefined, heard: [], closed: 0 },
    there: { words: undefined, heard: [], closed: 0 },
  };
  /** Of each link and direction, what is on its way: frames, then perhaps the end. */
  const ways: { readonly deliver: () => void; readonly live: () => void; readonly queue: OnItsWay[] }[] = [];
  const connect = (): Record<Side, NodeLink> => {
    const made = {} as Record<Side, NodeLink>;
    const queues = { here: [] as OnItsWay[], there: [] as OnItsWay[] };
    for (const side of ['here', 'there'] as const) {
      let isClosed = false;
      const end = (): void => {
        if (isClosed) return;
        isClosed = true;
        if (queues[side].length > 0) queues[other[side]].length = 0;
        queues[other[side]].push('end');
        ends[side].words?.ended(made[side]);
      };
      made[side] = {
        send: (frame) => {
          if (!isClosed) queues[other[side]].push(frame);
        },
        close: end,
      };
      const deliver = (): void => {
        const frame = queues[side].shift();
        if (frame === undefined || isClosed) return;
        if (frame === 'end') end();
        else if (frame !== 'alive') ends[side].words?.heard(made[side], frame);
      };
      const live = (): void => {
        if (!queues[side].includes('end')) queues[side].push('alive');
      };
      ways.push({ deliver, live, queue: queues[side] });
    }
    return made;
  };
  const first = connect();
  for (const side of ['here', 'there'] as const)
    ends[side].words = new MovingLink(first[side], {
      received: (frame) => ends[side].heard.push(frame.kind === 'message' ? frame.message : frame.kind),
      closed: () => (ends[side].closed += 1),
    });
  const [here, there] = [ends.here.words, ends.there.words] as [MovingLink, MovingLink];
  return { ends, ways, connect, here, there };
}

/** Repeats. @returns 0 to below `below` */
function drawn(seed: number): (below: number) => number {
  let state = seed * 2_654_435_761 + 1;
  return (below) => {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b_3c6d) + 0x6d2b_79f5) >>> 0;
    return Math.floor(((state >>> 8) / 2 ** 24) * below);
  };
}

it('words come whole and in their order over any number of moves, however the links bring them', () => {
  for (let seed = 1; seed <= 400; seed += 1) {
    const { ends, ways, connect, here, there } = open();
    const draw = drawn(seed);
    const said = { here: 0, there: 0 };
    let [isMoving, moves] = [false, 0];
    for (let step = 0; step < 300; step += 1) {
      const choice = draw(10);
      if (choice < 2) here.send({ kind: 'message', message: (said.here += 1) });
      else if (choice < 4) there.send({ kind: 'message', message: (said.there += 1) });
      else if (choice === 4 && !isMoving) {
        const next = connect();
        expect(there.follow(next.there)).toBe(true);
        isMoving = here.moveTo(next.here, () => {
          isMoving = false;
          moves += 1;
        });
        expect(isMoving).toBe(true);
      } else if (choice === 5) ways[draw(ways.length)]?.live();
      else ways[draw(ways.length)]?.deliver();
    }
    while (ways.some(({ queue }) => queue.length > 0)) ways[draw(ways.length)]?.deliver();
    expect(moves).toBeGreaterThan(0);
    const counted = (count: number) => Array.from({ length: count }, (_, index) => index + 1);
    expect([ends.there.heard, ends.here.heard]).toEqual([counted(said.here), counted(said.there)]);
    expect([ends.here.closed, ends.there.closed]).toEqual([0, 0]);
  }
});

it('whoever closes it, and whenever, it is closed at both ends, once', () => {
  for (const side of ['here', 'there'] as const)
    for (let before = 0; before <= 4; before += 1)
      for (let seed = 1; seed <= 20; seed += 1) {
        const { ends, ways, connect, here, there } = open();
        const next = connect();
        there.follow(next.there);
        here.moveTo(next.here, () => undefined);
        const draw = drawn(seed);
        for (let n = 0; n < before; n += 1) ways[draw(ways.length)]?.deliver();
        (side === 'here' ? here : there).close();
        while (ways.some(({ queue }) => queue.length > 0)) ways[draw(ways.length)]?.deliver();
        expect([ends.here.closed, ends.there.closed]).toEqual([1, 1]);
      }
});

it('a next link that ends before it is moved to changes nothing; once it is in use its end is that of all', () => {
  const { ends, ways, connect, here, there } = open();
  const refused = connect();
  expect(there.follow(refused.there)).toBe(true);
  expect(there.follow(connect().there)).toBe(false); // one at a time
  refused.here.close();
  while (ways.some(({ queue }) => queue.length > 0)) for (const { deliver } of ways) deliver();
  there.send({ kind: 'message', message: 'here still' });
  ways[0]?.deliver();
  expect([ends.here.heard, ends.here.closed, ends.there.closed]).toEqual([['here still'], 0, 0]);
  const next = connect();
  expect(there.follow(next.there)).toBe(true);
  here.moveTo(next.here, () => undefined);
  next.here.close();
  while (ways.some(({ queue }) => queue.length > 0)) for (const { deliver } of ways) deliver();
  expect([ends.here.closed, ends.there.closed]).toEqual([1, 1]);
  expect([there.follow(connect().there), here.moveTo(connect().here, () => undefined)]).toEqual([false, false]);
});
