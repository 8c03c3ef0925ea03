// The report: what a walk says of one crash, as JSON.
//
// The shape is rust-minidump's published JSON schema (its json-schema.md), with
// the fields that Deadair adds marked "ours". Addresses are hex strings with
// 0x, since JSON numbers lose 64 bits. A missing fact is null, never guessed.
// The same shape serves minidumps and posted stack traces.

/** How a frame was found, from the surest to the least sure (names of Breakpad and rust-minidump). */
export type Trust = "context" | "prewalked" | "cfi" | "frame_pointer" | "cfi_scan" | "scan" | "leaf" | "none";

/** A function that the compiler inlined at a frame's address. */
export type InlineFrame = {
  readonly function: string;
  readonly file: string | null;
  readonly line: number | null;
  /** Address relative to the first instruction of the line, hex (ours); absent where the walker does not say. */
  readonly line_offset?: string;
  /** Address relative to the start of the inlined range, hex (ours); absent where the walker does not say. */
  readonly function_offset?: string;
};

/** One physical stack frame. */
export type Frame = {
  /** Position in the thread, 0 is the innermost. */
  readonly frame: number;
  /** Address of the instruction (of the call, for callers), hex. */
  readonly offset: string;
  /** Base name of the module that holds the address; null when none does. */
  readonly module: string | null;
  /** Address relative to the module's base, hex. */
  readonly module_offset: string | null;
  readonly function: string | null;
  /** Address relative to the function's start, hex; null where the walker does not say (Breakpad says it only for frames without a line). */
  readonly function_offset: string | null;
  readonly file: string | null;
  readonly line: number | null;
  /** Address relative to the first instruction of the line, hex (ours); absent where the walker does not say. */
  readonly line_offset?: string;
  /** Functions inlined here, innermost first; null when there are none or it is not known. */
  readonly inlines: readonly InlineFrame[] | null;
  /** Unloaded modules that once held the address. */
  readonly unloaded_modules: readonly { readonly module: string; readonly offsets: readonly string[] }[] | null;
  /** True when the module has no symbols here, so that the frame could not be named. */
  readonly missing_symbols: boolean;
  readonly trust: Trust;
  /** Registers by name, hex; only where the walker knows them. */
  readonly registers?: { readonly [name: string]: string };
};

/** A run of frames that repeats, as deep recursion does (ours). Its repeats are left out of `frames`, all but the first. */
export type Recursion = {
  /** Number of the first frame of the first cycle. */
  readonly frame: number;
  /** Physical frames of one cycle. */
  readonly cycle: number;
  /** How often the cycle occurs, the first included. */
  readonly times: number;
};

/** One thread of the crashed process. */
export type Thread = {
  readonly thread_id: number | null;
  readonly thread_name: string | null;
  readonly last_error_value: string | null;
  /** Frames that the walker found; more than `frames` holds when `frames_truncated`. */
  readonly frame_count: number;
  /** True when frames past a limit were left out. */
  readonly frames_truncated?: boolean;
  readonly recursion?: Recursion;
  /** Why the walk of this thread ended or could not begin (ours), such as `end_of_stack` or `no_context`; absent where the walker does not say. */
  readonly stopped?: string;
  readonly frames: readonly Frame[];
};

/** What is known of a module's symbols (ours): `loaded`, `missing` (never uploaded), `unused` (no frame needed them), `corrupt`, or `no_debug_id` (cannot be looked up). */
export type SymbolState = "loaded" | "missing" | "unused" | "corrupt" | "no_debug_id";

/** One module that was loaded when the process crashed. */
export type Module = {
  /** Base name of the file. */
  readonly filename: string;
  /** Whole path of the file as the dump gives it (ours). */
  readonly code_file: string;
  readonly base_addr: string;
  readonly end_addr: string;
  /** Base name of the debug file, such as `Plugin.pdb`. */
  readonly debug_file: string | null;
  /** Breakpad form: 32 hex digits of the GUID and the age, upper case, without dashes. */
  readonly debug_id: string | null;
  readonly code_id: string | null;
  readonly version: string | null;
  readonly loaded_symbols: boolean;
  readonly missing_symbols: boolean;
  readonly corrupt_symbols: boolean;
  /** ours */
  readonly symbol_state: SymbolState;
};

/** A memory access of the crashing instruction. */
export type MemoryAccess = {
  readonly address: string;
  /** Bytes; null when the instruction does not say. */
  readonly size: number | null;
  /** Only present when true: the address lies in what looks like a guard page. */
  readonly is_likely_guard_page?: boolean;
  /** Absent where the instruction's operand does not say, as in rust-minidump. */
  readonly access_type?: "read" | "write" | "readwrite";
};

/** An address that the program may have meant, had one bit not flipped. */
export type BitFlip = {
  readonly address: string;
  readonly details: {
    readonly was_non_canonical: boolean;
    readonly is_null: boolean;
    readonly was_low: boolean;
    readonly poison_registers: boolean;
    readonly nearby_registers: number;
  };
  /** 0 to 1. */
  readonly confidence: number;
  readonly source_register: string | null;
};

/** What the crash and the memory around it contradict (names of rust-minidump). */
export type CrashInconsistency =
  | "int_div_by_zero_not_possible"
  | "priv_instruction_crash_without_priv_instruction"
  | "non_canonical_address_falsely_reported"
  | "access_violation_when_access_allowed"
  | "crashing_access_not_found_in_memory_accesses";

/** Why the process ended. The fields marked optional are filled by walkers that read the dump themselves. */
export type CrashInfo = {
  /** Name of the exception or signal, such as `SIGSEGV /SEGV_MAPERR`; null when the dump has none. */
  readonly type: string | null;
  readonly address: string | null;
  /** A better address than `address`, found by reading the instruction. */
  readonly adjusted_address?: { readonly kind: "non-canonical"; readonly address: string } | { readonly kind: "null-pointer"; readonly offset: string } | null;
  /** The crashing instruction as text; null when its bytes are not in the dump. */
  readonly instruction?: string | null;
  readonly memory_accesses?: readonly MemoryAccess[] | null;
  readonly instruction_pointer_update?: { readonly address: string; readonly is_likely_guard_page?: boolean } | null;
  readonly possible_bit_flips?: readonly BitFlip[] | null;
  /** Null where the dump has no exception that anything could contradict. */
  readonly crash_inconsistencies?: readonly CrashInconsistency[] | null;
  /** Index into `threads`; null when no thread is known to have crashed. Where `type` is null it is the thread that asked for the dump. */
  readonly crashing_thread: number | null;
  readonly assertion: string | null;
  /** Set when the stack ran out, by whatever code it was reported (ours): `code` says so itself, `guard_page` and `below_stack` were seen in memory and registers. */
  readonly stack_overflow?: { readonly cause: "code" | "guard_page" | "below_stack"; readonly detail: string } | null;
  /** The exception record in numbers (ours), for those who look it up themselves. */
  readonly exception?: { readonly code: string; readonly flags: string; readonly parameters: readonly string[] } | null;
};

/** Everything one walk says. Optional fields are filled by walkers that read the dump themselves. */
export type Report = {
  readonly status: "OK";
  /** Which walker and version made this (ours), such as `deadair 1` or `breakpad 0.26.0`. */
  readonly walker: string;
  readonly pid: number | null;
  readonly crash_info: CrashInfo;
  readonly system_info: {
    /** `Windows NT`, `Mac OS X`, `Linux`, `Android`, `iOS` or what the walker prints. */
    readonly os: string | null;
    readonly os_ver: string | null;
    /** `x86`, `amd64`, `arm`, `arm64` or what the walker prints. */
    readonly cpu_arch: string | null;
    readonly cpu_info: string | null;
    readonly cpu_count: number | null;
    readonly cpu_microcode_version?: string | null;
  };
  /** Seconds between process start and crash, where the dump says so. */
  readonly process_uptime: number | null;
  /** Index into `modules` of the program itself: for a plugin, the host. */
  readonly main_module: number | null;
  readonly modules: readonly Module[];
  readonly unloaded_modules: readonly { readonly filename: string; readonly base_addr: string; readonly end_addr: string; readonly code_id: string | null }[];
  readonly thread_count: number;
  readonly threads: readonly Thread[];
  readonly linux_memory_map_count?: number | null;
  readonly handles?: readonly { readonly handle: number; readonly type_name: string | null; readonly object_name: string | null }[] | null;
  readonly lsb_release?: { readonly id: string | null; readonly release: string | null; readonly codename: string | null; readonly description: string | null } | null;
  readonly mac_crash_info?: {
    readonly num_records: number;
    readonly records: readonly { readonly [field: string]: string | null }[];
  } | null;
  readonly mac_boot_args?: string | null;
  /** Mozilla's /proc/PID/limits. */
  readonly proc_limits?: { readonly limits: readonly { readonly name: string; readonly soft: string; readonly hard: string; readonly unit: string }[] } | null;
  /** What the dump's writer could not do: JSON that it wrote. */
  readonly soft_errors?: unknown;
  /** Module annotations from Crashpad, flattened to text (ours). */
  readonly annotations: { readonly [key: string]: string };
  /** Streams of the dump that the walker did not read, by type and name (ours). */
  readonly unread_streams?: readonly { readonly type: string; readonly name: string | null; readonly status: string }[];
  /** What was left out of the dump and why, in sentences (ours). */
  readonly notes?: readonly string[];
  /** How Breakpad says what it says otherwise than rust-minidump (ours), for the `-m` text: `SIGSEGV /SEGV_MAPERR`, and `0.0.0 Linux 6.1.0 …` for the release alone. Absent where the report is spelled Breakpad's way already. */
  readonly breakpad?: { readonly crash_type: string | null; readonly os_ver: string | null };
};
