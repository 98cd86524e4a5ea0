import {
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  S3Client,
  type ListObjectsV2CommandOutput,
  type S3ClientConfig,
} from '@aws-sdk/client-s3';
import { STATUS_CODES } from 'node:http';
import type { Readable } from 'node:stream';
import type { ObjectInfo, ObjectStore } from './object-store.ts';
import { firstLine } from './retry.ts';

/** Milliseconds without a byte after which a connection is given up. */
const STALLED_MS = 60_000;

/** S3 and what speaks its protocol, by the official client, which follows `AWS_ENDPOINT_URL`, profiles and regions. */
export async function openS3(): Promise<ObjectStore> {
  const { client, anonymous } = await connect();
  return {
    async size(bucket, key) {
      try {
        const { ContentLength } = await client.send(new HeadObjectCommand({ Bucket: bucket, Key: key }));
        return ContentLength;
      } catch (error) {
        if (statusOf(error) === 404) return undefined;
        throw error;
      }
    },

    async list(bucket, prefix, { delimiter, firstPage = false }) {
      const objects: ObjectInfo[] = [];
      const prefixes: string[] = [];
      let token: string | undefined;
      do {
        const query = {
          Bucket: bucket,
          Prefix: prefix,
          Delimiter: delimiter,
          ContinuationToken: token,
        };
        const page: ListObjectsV2CommandOutput = await client.send(new ListObjectsV2Command(query));
        for (const { Key, Size } of page.Contents ?? []) objects.push({ key: Key!, size: Size ?? 0 });
        for (const { Prefix } of page.CommonPrefixes ?? []) prefixes.push(Prefix!);
        token = firstPage ? undefined : page.NextContinuationToken;
      } while (token !== undefined);
      return { objects, prefixes };
    },

    async stream(bucket, key, start, end) {
      const { Body } = await client.send(
        new GetObjectCommand({ Bucket: bucket, Key: key, Range: `bytes=${start}-${end}` }),
      );
      return Body as Readable;
    },

    failure: (error) => ({
      status: statusOf(error),
      message: messageOf(error),
      anonymous,
    }),
  };
}

async function connect(): Promise<{ client: S3Client; anonymous?: string }> {
  const { AWS_REGION, AWS_DEFAULT_REGION, AWS_ENDPOINT_URL, AWS_ENDPOINT_URL_S3 } = process.env;
  const settings: S3ClientConfig = {
    region: AWS_REGION ?? AWS_DEFAULT_REGION ?? 'us-east-1',
    followRegionRedirects: true,
    // Services of one's own rarely have a host name for each bucket.
    forcePathStyle: (AWS_ENDPOINT_URL_S3 ?? AWS_ENDPOINT_URL ?? '') !== '',
    // Sepal asks again itself, from where the bytes ended.
    maxAttempts: 1,
    // A part of an object has no checksum, though some services send that of the whole; every record has its own.
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: { connectionTimeout: 10_000, requestTimeout: STALLED_MS },
  };
  const client = new S3Client(settings);
  try {
    await client.config.credentials();
    return { client };
  } catch (error) {
    // Public buckets are read without any.
    const unsigned = new S3Client({
      ...settings,
      credentials: { accessKeyId: '', secretAccessKey: '' },
      signer: { sign: async (request) => request },
    });
    const { AWS_PROFILE = '' } = process.env;
    const profile = AWS_PROFILE === '' ? '' : ` (AWS_PROFILE is ${AWS_PROFILE})`;
    return { client: unsigned, anonymous: `${firstLine(error)}${profile}` };
  }
}

/** An answer without a body, as that to HEAD, says nothing but its status, which the client calls an unknown error. */
function messageOf(error: unknown): string {
  const message = firstLine(error);
  return message === 'UnknownError' ? (STATUS_CODES[statusOf(error) ?? 0] ?? message) : message;
}

function statusOf(error: unknown): number | undefined {
  return (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode;
}
