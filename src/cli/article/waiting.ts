import { setTimeout as sleep } from 'node:timers/promises';

/** Waits for what the service does by itself. */
export interface Waiting {
  /** Asks again and again until there is an answer. @throws Error when it takes too long */
  until<T>(ask: () => Promise<T | undefined>): Promise<T>;
}

/** Azure looks after its keys when it likes; a Kustody can be told to look now. */
export interface ControlEnvironment {
  readonly url: string;
  readonly token: string;
}

export function createWaiting(control: ControlEnvironment | undefined): Waiting {
  const pauseMs = control === undefined ? 15_000 : 100;
  const attemptsMax = control === undefined ? 480 : 100;
  return {
    until: async (ask) => {
      for (let attempt = 0; attempt < attemptsMax; attempt += 1) {
        if (control !== undefined) await checkKeysNow(control);
        const answer = await ask();
        if (answer !== undefined) return answer;
        await sleep(pauseMs);
      }
      throw new Error(`Nothing had changed after ${Math.round((pauseMs * attemptsMax) / 1000)} seconds.`);
    },
  };
}

async function checkKeysNow(control: ControlEnvironment): Promise<void> {
  const response = await fetch(`${control.url}/check-keys`, {
    method: 'POST',
    headers: { authorization: `Bearer ${control.token}` },
  });
  if (!response.ok) throw new Error(`The control API answered ${response.status} to check-keys.`);
}
