import type { SeenBodies } from './captured-bodies.ts';

/** How long bodies are recorded, from when somebody asks for them. */
export interface RecordingSpan {
  readonly seconds: number;
  readonly requests: number;
}

export interface RecordingState {
  readonly recording: boolean;
  readonly secondsLeft: number;
  readonly requestsLeft: number;
  /** Of what is kept of bodies. */
  readonly bytesLeft: number;
}

export const longestRecording = { seconds: 900, requests: 200 } as const;
export const usualRecording: RecordingSpan = { seconds: 300, requests: 100 };
const bytesMax = 2 * 1024 * 1024;

/** Whether bodies are recorded: only for so long, and so many, as somebody has asked for. */
export class BodyRecording {
  readonly #monotonicMs: () => number;
  #untilMs = 0;
  #requestsLeft = 0;
  #bytesLeft = 0;

  constructor(monotonicMs: () => number) {
    this.#monotonicMs = monotonicMs;
  }

  /** Begins anew. */
  begin({ seconds, requests }: RecordingSpan): void {
    this.#untilMs = this.#monotonicMs() + seconds * 1000;
    this.#requestsLeft = requests;
    this.#bytesLeft = bytesMax;
  }

  end(): void {
    this.#requestsLeft = 0;
  }

  isOn(): boolean {
    return this.#requestsLeft > 0 && this.#bytesLeft > 0 && this.#monotonicMs() < this.#untilMs;
  }

  /** @returns what may be kept of them; undefined: recording has ended meanwhile */
  admit(bodies: SeenBodies): SeenBodies | undefined {
    if (!this.isOn()) return undefined;
    const bytes = (bodies.request?.text?.length ?? 0) + (bodies.answer?.text?.length ?? 0);
    this.#requestsLeft -= 1;
    this.#bytesLeft -= bytes;
    return this.#bytesLeft < 0 ? undefined : bodies;
  }

  state(): RecordingState {
    const recording = this.isOn();
    return {
      recording,
      secondsLeft: recording ? Math.ceil((this.#untilMs - this.#monotonicMs()) / 1000) : 0,
      requestsLeft: recording ? this.#requestsLeft : 0,
      bytesLeft: recording ? this.#bytesLeft : 0,
    };
  }
}
