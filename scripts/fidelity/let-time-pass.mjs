// A request with the header `prefer: wait` goes without it, and not before what was last begun in a vault is over.
import https from 'node:https';
import { setTimeout } from 'node:timers';

/** Longer than anything that takes a moment in a vault. */
const momentMs = 1_500;
const { request } = https;
let begunMs = -Infinity;

https.request = (options, answered) => {
  const { prefer, ...headers } = options.headers ?? {};
  const waits = prefer === 'wait';
  const sent = request(waits ? { ...options, headers } : options, answered);
  const begins = options.method === 'DELETE' || /\/recover(?:\?|$)/i.test(options.path);
  const end = sent.end.bind(sent);
  const body = [];
  sent.write = (chunk) => body.push(chunk);
  sent.end = () => {
    const restMs = waits ? begunMs + momentMs - performance.now() : 0;
    setTimeout(
      () => {
        if (begins) begunMs = performance.now();
        end(body.join(''));
      },
      Math.max(0, restMs),
    );
    return sent;
  };
  return sent;
};
