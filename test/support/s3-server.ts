// An S3 server for a test file: fauxqs, in this process.
import { startFauxqs } from "fauxqs";

export type S3Server = {
  /** A BLOB_URL for a new, empty bucket; `query` is added to its parameters. */
  bucket(name: string): string;
  /** A BLOB_URL whose bucket is not there. */
  url(name: string): string;
  close(): Promise<void>;
};

/** Starts it on a free port. */
export async function startS3Server(): Promise<S3Server> {
  const server = await startFauxqs({ port: 0, logger: false });
  const url = (name: string) => `s3://KEY:SECRET@127.0.0.1:${server.port}/${name}?tls=false`;
  return {
    url,
    bucket(name) {
      server.createBucket(name);
      return url(name);
    },
    close: () => server.stop(),
  };
}
