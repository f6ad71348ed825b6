/** A recorded request and its answer. Header names are lower case. */
export interface RecordedPair {
  readonly method: string;
  readonly url: string;
  readonly reqHeaders: Readonly<Record<string, string>>;
  readonly reqBody: string;
  readonly status: number;
  readonly respHeaders: Readonly<Record<string, string>>;
  readonly respBody: string;
}
export declare function mendRecording(pairs: readonly RecordedPair[]): RecordedPair[];
export declare const mendings: readonly (readonly [what: string, reason: string])[];
