import { sendJson } from './request.ts';

/** `GET /status` */
export interface Status {
  readonly version: string;
  readonly pid: number;
  readonly port: number;
  readonly proxyPort: number;
  readonly kustoPort: number;
  readonly clock: Clock;
  readonly refusedHosts: readonly {
    readonly host: string;
    readonly why: 'foreign' | 'absent';
    readonly times: number;
  }[];
}

/** `GET /clock`: times are ISO on the Kustody clock. */
export interface Clock {
  readonly now: string;
  readonly virtual: boolean;
  readonly frozen: boolean;
  readonly aheadSeconds: number;
  readonly unaccountedSeconds: number;
  readonly heldJump?: { readonly from: string; readonly to: string };
}

export const status = (): Promise<Status> => sendJson('/status');
