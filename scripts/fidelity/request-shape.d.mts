export interface RequestShape {
  readonly method: string;
  readonly service: 'login' | 'management' | 'vault';
  readonly path: string;
  readonly apiVersion: string;
}
export declare function shapeOf(method: string, url: string): RequestShape | undefined;
