import type { Socket } from 'node:net';
import { connect, createServer } from 'node:net';

/** When the connection is cut: as the text goes to the server, which never sees it; when that has it; or when it answers, unheard. */
export type Cut = 'before' | 'underWay' | 'after';

/** Passes connections on to a port of this machine, until one of them is cut. */
export interface CuttingProxy {
  readonly port: number;
  /** @param text that a client sends, and with which it is cut
   * @param forGood no connection is passed on any more */
  cutAt(text: string, when: Cut, forGood?: boolean): void;
  close(): void;
}

export async function startCuttingProxy(target: number): Promise<CuttingProxy> {
  const sockets = new Set<Socket>();
  let plan: { text: string; when: Cut; forGood: boolean } | undefined;
  let isOver = false;
  const server = createServer((client) => {
    if (isOver) {
      client.destroy();
      return;
    }
    const upstream = connect(target, '127.0.0.1');
    let answerIsCut = false;
    const cut = (): void => {
      client.destroy();
      upstream.destroy();
    };
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => undefined);
    }
    client.on('data', (chunk: Buffer) => {
      if (plan !== undefined && chunk.includes(plan.text)) {
        const { when, forGood } = plan;
        plan = undefined;
        isOver = forGood;
        if (when === 'before') {
          cut();
          return;
        }
        answerIsCut = true;
        // The server gets what was sent to it, and does not hear that nobody listens.
        if (when === 'underWay') upstream.write(chunk, () => client.destroy());
        else upstream.write(chunk);
        return;
      }
      upstream.write(chunk);
    });
    upstream.on('data', (chunk: Buffer) => {
      if (answerIsCut) cut();
      else client.write(chunk);
    });
    client.on('close', () => answerIsCut || upstream.destroy());
    upstream.on('close', () => client.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('A port is a number.');
  return {
    port: address.port,
    cutAt(text, when, forGood = false) {
      plan = { text, when, forGood };
    },
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
