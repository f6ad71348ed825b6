import type { FastifyReply, FastifyRequest } from 'fastify';
import type { QueuedStorage } from '../../../database/queued/queued-storage.ts';
import type { StorageService } from '../../../database/queued/storage-accounts.ts';

/** A request to an account whose signature has been checked. */
export interface StorageRequest {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly storage: QueuedStorage;
  /** Which of the cluster's accounts. */
  readonly account: number;
  readonly accountName: string;
  /** Of the container, queue or table. */
  readonly name: string;
  /** What comes after it in the path, decoded. */
  readonly rest: string;
  readonly query: URLSearchParams;
  /** At most so many bytes; more are refused as they come. @throws StorageError `RequestBodyTooLarge` */
  readonly body: (bytesMax: number) => AsyncIterable<Uint8Array>;
  /** On the wall clock. */
  readonly at: number;
  /** Something was put into the queue of what is to be ingested. */
  readonly queued: () => void;
}

/** One operation of Azure Storage: which requests are it, and what it asks of the signature. */
export interface StorageOperation {
  readonly id: string;
  readonly service: StorageService;
  readonly method: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE';
  /** After the container, queue or table: decoded, without the slash before it. */
  readonly rest: RegExp;
  /** `comp` of the query; absent: none. */
  readonly comp?: string;
  readonly matches?: (query: URLSearchParams) => boolean;
  /** Any of these letters is enough. */
  readonly permissions: string;
  readonly run: (asked: StorageRequest) => Promise<void>;
}

export async function textOf(bytes: AsyncIterable<Uint8Array>): Promise<string> {
  const pieces: Uint8Array[] = [];
  for await (const piece of bytes) pieces.push(piece);
  return Buffer.concat(pieces).toString('utf8');
}

/** RFC 9110 date. */
export const httpDate = (milliseconds: number): string => new Date(milliseconds).toUTCString();
