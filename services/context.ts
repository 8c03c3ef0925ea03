// What every route needs, made once per process.
import type { Logger } from "pino";
import type { Settings } from "../config/settings.ts";
import type { Storage } from "../storage/storage.ts";

/** The surroundings of the routes. */
export type Context = {
  readonly settings: Settings;
  readonly storage: Storage;
  readonly log: Logger;
  /** The address that people and clients reach this server at, without a slash at the end. */
  readonly publicUrl: () => string;
};
