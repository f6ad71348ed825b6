import { randomInt } from 'node:crypto';
import { isFree } from '../../src/server/kept-ports.ts';

/** Above what any `kustody` tries by itself (`kept-ports.ts`), below what systems give to whoever asks for any port: between two starts of a
 * server on them, nobody else takes them. */
const [lowest, above] = [12_000, 30_000];

/** Ports for one instance of a test that is started again and must find them free: what others that run beside it are given lies elsewhere.
 * @returns the TLS port, that of localhost, and the proxy's; the next one of each is free, too */
export async function portsApart(): Promise<[port: number, kustoPort: number, proxyPort: number]> {
  for (;;) {
    const first = randomInt(lowest, above);
    const six = Array.from({ length: 6 }, (_, i) => first + i);
    if (!(await Promise.all(six.map((port) => isFree('127.0.0.1', port)))).includes(false))
      return [first, first + 2, first + 4];
  }
}

/** The same, as options of `kustody up`. */
export async function optionsOfPortsApart(): Promise<string[]> {
  const [port, kustoPort, proxyPort] = await portsApart();
  return ['--port', `${port}`, '--kusto-port', `${kustoPort}`, '--proxy-port', `${proxyPort}`];
}
