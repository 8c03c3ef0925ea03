// What a crash carries, by name. The page knows it as the API's schema tells
// it, and from nowhere else.
import type { CrashDetail, SecondOpinion } from "../../services/triage/schema.ts";

/** What a walk says of a crash. */
export type Report = NonNullable<CrashDetail["report"]>;
/** A thread with its frames. */
export type Thread = Report["threads"][number];
/** A physical frame. */
export type Frame = Thread["frames"][number];
/** How a frame was found. */
export type Trust = Frame["trust"];
/** A module that was loaded. */
export type Module = Report["modules"][number];
/** What is known of a module's symbols. */
export type SymbolState = Module["symbol_state"];

/** A signature with the reasons for it. */
export type Signature = NonNullable<CrashDetail["explanation"]>;
/** What one frame did to the signature. */
export type FrameVerdict = Signature["frames"][number];

/** Two walkers' stacks of a crash, side by side. */
export type Comparison = NonNullable<SecondOpinion["comparison"]>;
/** A thread by both walkers. */
export type OpinionThread = Comparison["threads"][number];
/** A frame of each walker, or of one alone. */
export type OpinionRow = OpinionThread["rows"][number];
/** A frame as one walker tells it. */
export type OpinionFrame = NonNullable<OpinionRow["deadair"]>;
/** What can differ between two walkers' words for a frame. */
export type FrameDifference = OpinionRow["differs"][number];
