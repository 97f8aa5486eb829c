// swift-format-ignore-file
// Written by scripts/embed-templates from Sources/PluginABI/C/include/fanfold_plugin.h: change that, then run it.
extension PluginTemplates {
    static let pluginHeader = #"""
        /* fanfold_plugin.h - the Fanfold plugin ABI, major 1.   Apache-2.0.  C11, C++17, 64-bit only.
         *
         * A plugin is one shared library, named libfanfold-NAME.so, that exports one function:
         *
         *     FAN_EXPORT const fan_plugin *fanfold_plugin_v1(void);
         *
         * It imports nothing from the host.  It lists components; the host creates instances of them
         * and asks each instance for interfaces by id.  A plugin cannot tell whether it runs inside the
         * host or inside a helper process, and must not need to.
         *
         * RULES THAT HOLD EVERYWHERE
         *  Growth    A released struct never changes under its name: a process shares C structs by name.
         *            What grows gets a new name and a new interface id, beside the old one.  struct_size,
         *            set by whoever filled it, is checked; a size that is not yours is never trusted.
         *  Memory    Inputs are borrowed until the call returns; those of an asynchronous call, until it
         *            is completed.  A `fan_blob *parts` is handed over, if the callee returns FAN_OK or
         *            void.  Nothing is ever passed to the other side's free().
         *  Text      UTF-8.  A name is a `const char *`, zero-terminated, at most 255 bytes.
         *            A document is a fan_view of JSON.  Ignore keys you do not know.
         *  Errors    Return a fan_code and fill *err.  No exception, panic, longjmp or exit() crosses.
         *  Threads   [lane]  never two at once for one instance; any OS thread; may block until the
         *                    deadline.  Host services called from a [lane] function never call back in.
         *            [any]   any thread, any time, concurrently; must not block.
         *            [scan]  may run in a throw-away process: no I/O, no threads, under 50 ms in all.
         *  Time      Nanoseconds on the host's monotonic clock (fan_host.now).
         *  Process   Leave cwd, umask, locale, environment, signal handlers, stdin/stdout, rlimits and
         *            floating-point modes alone.
         */
        #ifndef FANFOLD_PLUGIN_H
        #define FANFOLD_PLUGIN_H
        #include <stddef.h>
        #include <stdint.h>
        #include <string.h>
        #ifdef __cplusplus
        extern "C" {
        #endif

        #define FAN_ABI_MAJOR 1u /* a new major is a new entry symbol: fanfold_plugin_v2            */
        #define FAN_ABI_MINOR 0u /* only ever adds: interfaces, services, codes, kinds               */
        #define FAN_EXPORT    __attribute__((visibility("default")))

        /* Pointers are never NULL unless marked FAN_NULLABLE. */
        #if defined(__clang__)
        #define FAN_NULLABLE _Nullable
        #define FAN_NONNULL  _Nonnull /* only where the rule above does not reach: pointers to pointers */
        #define FAN_SENDABLE __attribute__((swift_attr("@Sendable")))
        #pragma clang diagnostic push
        #pragma clang diagnostic ignored "-Wnullability-extension"
        #pragma clang assume_nonnull begin
        #else
        #define FAN_NULLABLE
        #define FAN_NONNULL
        #define FAN_SENDABLE
        #endif

        enum { /* The limits both sides may count on.  Past one, a call answers FAN_RANGE. */
           FAN_MAX_NAME_BYTES  = 255,     /* an id, a name, a version                                  */
           FAN_MAX_SPEC_BYTES  = 1048576, /* one JSON document that crosses the table                  */
           FAN_MAX_PARTS       = 65536,   /* parts of one subtask, result or output                    */
           FAN_MAX_COMPONENTS  = 256,     /* components of one plugin                                  */
        };

        /* -------------------------------------------------------------------------- plain values -- */

        typedef struct fan_instance fan_instance; /* yours; the host only carries the pointer          */
        typedef uint64_t fan_op;                  /* an asynchronous call.  An id, not a pointer: a    */
                                                  /* late or second completion is noticed, not a crash */

        typedef struct fan_view { /* FROZEN.  Borrowed bytes. */
           const void *FAN_NULLABLE data;
           uint64_t                 size;
        } fan_view;

        enum { /* How a blob holds its bytes. */
           FAN_BLOB_NONE   = 0,
           FAN_BLOB_BYTES  = 1, /* data, size                                                          */
           FAN_BLOB_FILE   = 2, /* handle = file descriptor (a sealed memfd, a file), offset, size     */
           FAN_BLOB_TENSOR = 3, /* data = struct DLManagedTensorVersioned *          (DLPack 1.x)      */
           FAN_BLOB_ARROW  = 4, /* data = struct ArrowArray *, type = struct ArrowSchema *             */
           FAN_BLOB_REF    = 5, /* handle = object in the host's store; bytes stay where they are      */
           FAN_BLOB_ITEMS  = 6, /* a slice of a task's input, by reference: handle = the input's index, */
                                /* offset = first item, size = number of items                         */
           FAN_BLOB_RESULT = 7, /* the result of another subtask of the task, by reference: handle =    */
                                /* that subtask's id, offset = part.  The subtask that holds it starts  */
                                /* after the other has ended.  A result may be named until on_result    */
                                /* for it returns, and later only while one of its parts is kept.       */
        };
        typedef struct fan_blob { /* FROZEN, 64 bytes.  Owned; moved by copying the struct.            */
           uint32_t    kind;      /* FAN_BLOB_*                                                        */
           uint32_t    flags;     /* 1 = read-only                                                     */
           const void *FAN_NULLABLE data;
           const void *FAN_NULLABLE type;
           uint64_t    size;
           uint64_t    offset;
           int64_t     handle;
           void *FAN_NULLABLE owner; /* the producer's business                                           */
           void (*FAN_NULLABLE FAN_SENDABLE release)(struct fan_blob *blob); /* once, from any thread; sets release = NULL        */
        } fan_blob;

        enum { /* fan_code: the gRPC numbers, so logs and proxies agree.  Others count as UNKNOWN. */
           FAN_OK = 0, FAN_CANCELLED = 1, FAN_UNKNOWN = 2, FAN_INVALID = 3, FAN_DEADLINE = 4,
           FAN_NOT_FOUND = 5, FAN_EXISTS = 6, FAN_DENIED = 7, FAN_EXHAUSTED = 8, FAN_PRECONDITION = 9,
           FAN_ABORTED = 10, FAN_RANGE = 11, FAN_UNIMPLEMENTED = 12, FAN_INTERNAL = 13,
           FAN_UNAVAILABLE = 14, FAN_DATA_LOSS = 15, FAN_UNAUTHENTICATED = 16,
        };
        typedef int32_t fan_code;

        enum { /* What would make another try worth it.  An unknown number counts as NEVER. */
           FAN_RETRY_NEVER     = 0, /* the request is wrong                                            */
           FAN_RETRY_LATER     = 1, /* same request, after retry_after_ms: throttled, network          */
           FAN_RETRY_ELSEWHERE = 2, /* same work, another zone, offering or worker: no capacity        */
           FAN_RETRY_RENEWED   = 3, /* after a person or the host renews something: credentials, quota */
        };
        typedef struct fan_error { /* Zeroed by the caller, filled by the callee.  Nothing to free.  */
           uint32_t struct_size;
           fan_code code;
           uint32_t retry;          /* FAN_RETRY_*                                                     */
           uint32_t retry_after_ms;
           char     reason[64];     /* for programs: "capacity.spot", "config./zone"                   */
           char     message[432];   /* for people: what happened, then what to do                      */
        } fan_error;

        static inline fan_code fan_fail(fan_error *FAN_NULLABLE err, fan_code code, uint32_t retry,
                                        const char *reason, const char *message) {
           if (err) {
              err->code = code;
              err->retry = retry;
              strncpy(err->reason, reason, sizeof err->reason - 1);
              strncpy(err->message, message, sizeof err->message - 1);
           }
           return code;
        }

        typedef struct fan_call { /* The circumstances of an asynchronous call. */
           uint32_t    struct_size;
           uint32_t    flags;
           fan_op      op;          /* answer with host->complete(host, op, ...), exactly once         */
           uint64_t    deadline;    /* 0 = none                                                        */
           const char *FAN_NULLABLE traceparent; /* W3C trace context, or NULL                                      */
        } fan_call;

        /* ------------------------------------------------------------------- what the host offers -- */

        enum { FAN_LOG_TRACE, FAN_LOG_DEBUG, FAN_LOG_INFO, FAN_LOG_WARN, FAN_LOG_ERROR };

        typedef struct fan_host { /* One per instance.  Valid from create until destroy returns. */
           uint32_t    struct_size;
           uint32_t    abi_minor;
           void *FAN_NULLABLE host_data;
           const char *name;    /* "fanfold", "fanfold plugin check" */
           const char *version;

           /* Finds a service, e.g. "fanfold.http/1".  NULL if this host has none.  [any] */
           const void *FAN_NULLABLE (*FAN_NONNULL service)(const struct fan_host *, const char *id);
           /* Writes a log line; fields is a JSON object or empty.  [any] */
           void (*log)(const struct fan_host *, int32_t level, const char *message, fan_view fields);
           /* Monotonic now.  Under test and replay it is simulated: never read a clock yourself.  [any] */
           uint64_t (*now)(const struct fan_host *);
           /* Says something before the end: progress, a row, a log chunk.
            * FAN_EXHAUSTED: slow down and try again.  FAN_CANCELLED: stop.  [any] */
           fan_code (*emit)(const struct fan_host *, fan_op, fan_view json, fan_blob *FAN_NULLABLE parts, uint32_t n);
           /* Ends a call.  err NULL or err->code FAN_OK means success.  [any] */
           void (*complete)(const struct fan_host *, fan_op, const fan_error *FAN_NULLABLE err, fan_view json,
                            fan_blob *FAN_NULLABLE parts, uint32_t n);
           /* Non-zero once the host no longer wants the answer.  Complete with FAN_CANCELLED.  [any] */
           int32_t (*cancelled)(const struct fan_host *, fan_op);
        } fan_host;

        /* "fanfold.lane/1": work without threads of your own.  The host stops and joins all of it. */
        typedef struct fan_lane {
           uint32_t struct_size, reserved;
           void (*post)(const fan_host *, void (*fn)(void *FAN_NULLABLE), void *FAN_NULLABLE user);   /* next, on this lane [any] */
           void (*after)(const fan_host *, uint64_t delay, void (*fn)(void *FAN_NULLABLE), void *FAN_NULLABLE user);      /* [any] */
           void (*spawn)(const fan_host *, void (*fn)(void *FAN_NULLABLE), void *FAN_NULLABLE user);  /* in parallel, may block   */
        } fan_lane;

        /* "fanfold.http/1": the host's TLS, proxy, retries, rate limits, allow-list and recorder.
         * request: {"method","url","headers","timeout_ms","sign":{"with":"aws-sigv4","secret":"ec2"}}.
         * Credentials are named, never seen.  done runs on the lane. */
        typedef struct fan_http {
           uint32_t struct_size, reserved;
           void (*fetch)(const fan_host *, fan_op within, fan_view request, fan_blob *FAN_NULLABLE body,
                         void (*done)(void *FAN_NULLABLE user, const fan_error *FAN_NULLABLE err, int32_t status,
                                      fan_view headers, fan_blob *FAN_NULLABLE body), void *FAN_NULLABLE user);
        } fan_http;

        /* "fanfold.store/1": small values kept per component id.  An empty value is none.  [any] */
        typedef struct fan_store {
           uint32_t struct_size, reserved;
           fan_code (*get)(const fan_host *, const char *key, fan_blob *out, fan_error *FAN_NULLABLE err);
           fan_code (*put)(const fan_host *, const char *key, fan_view value, fan_error *FAN_NULLABLE err);
        } fan_store;

        /* "fanfold.metrics/1", "fanfold.blob/1".  [any] */
        typedef struct fan_metrics {
           uint32_t struct_size, reserved;
           void (*add)(const fan_host *, const char *name, double value, fan_view labels);     /* counter */
           void (*observe)(const fan_host *, const char *name, double value, fan_view labels); /* sample  */
        } fan_metrics;
        typedef struct fan_blobs { /* Memory that crosses to another process without a copy. */
           uint32_t struct_size, reserved;
           fan_code (*alloc)(const fan_host *, uint64_t size, fan_blob *out, fan_error *FAN_NULLABLE err);
        } fan_blobs;

        /* ------------------------------------------------------------------------------ strategies -- */
        /* What begin is told: {"task":"score","seed":n,"slots":n,"run":{…}|null,
         *   "inputs":[{"name","format","items":n,"bytes":n}],
         *   "workers":[{"id","cpus","memory_bytes","gpus","speed"}]}.
         *   inputs[i] describes the i-th blob: BYTES for a small JSON value (its text), else REF.
         *   on_capacity is told {"slots","workers"} again.
         * What a spec may say, all optional:
         *   "run"      what the subtask runs, as in YAML; without it, the run of the task
         *   "names"    one name for each part: the executor is given an object by name instead of a list
         *   "after"    [ids] that must have ended well first, beside those named by FAN_BLOB_RESULT parts
         *   "needs"    {"cpus","memory","gpus",…}, as in YAML; without it, the needs of the task
         *   "stage"    n, for the report: utilisation is shown by stage
         *   "label"    a short text, for the report
         *   "priority" number; among the ready, higher starts first
         *   "estimate" {"ran_ns":n}
         * What a result says: {"worker","attempt","queued_ns","ran_ns","bytes_in","bytes_out","items"};
         *   its parts are what the executor gave: for a command, one part, its standard output.
         * What an output says: {"format":"json|jsonl|csv|lines|bytes","report":{…}}.  The first output of a
         *   task states the format; the parts of all its outputs, in order, are the result of the task.
         *   "report" is shown to people beside the result: agreement, missing members, utilisation. */
        /* "fanfold.strategy/1".  Splits a task into subtasks and folds their results back into one.  A
         * strategy is a function of what it was told: no clock, no randomness but the task's seed, no I/O.
         * The host journals the calls and may replay them into a new instance after a crash.  All [lane]. */

        typedef struct fan_subtask {
           uint32_t  struct_size;
           uint32_t  part_count;
           uint64_t  id;          /* the strategy's choice; unique within the task, never reused       */
           fan_view  spec;        /* see "What a spec may say" above; empty = {}                        */
           fan_blob *FAN_NULLABLE parts;       /* the payload; spec names parts by index, or slices of the inputs   */
        } fan_subtask;

        typedef struct fan_result {
           uint32_t  struct_size;
           uint32_t  part_count;
           uint64_t  subtask;
           fan_view  json;        /* see "What a result says" above                                    */
           fan_blob *FAN_NULLABLE parts;       /* to keep one, copy the struct and set this one's release to NULL   */
        } fan_result;

        typedef struct fan_sink { /* Where a strategy or policy puts what it decides.  Valid in the call. */
           uint32_t struct_size, reserved;
           void *FAN_NULLABLE sink_data;
           /* Each returns FAN_OK, or FAN_CANCELLED: then return FAN_CANCELLED promptly. */
           fan_code (*subtask)(const struct fan_sink *, const fan_subtask *);
           fan_code (*withdraw)(const struct fan_sink *, uint64_t subtask); /* not needed any more      */
           fan_code (*output)(const struct fan_sink *, fan_view json, fan_blob *FAN_NULLABLE parts, uint32_t n);
        } fan_sink;

        /* What split says: more now; more after a result; no more.  An unknown number counts as WAIT.  */
        enum { FAN_SPLIT_MORE, FAN_SPLIT_WAIT, FAN_SPLIT_END };
        /* What on_failure says: once more; others are in its place; go on without it; the task fails.
         * An unknown number counts as TASK. */
        enum { FAN_FAILED_RETRY, FAN_FAILED_REPLACED, FAN_FAILED_SKIP, FAN_FAILED_TASK };

        typedef struct fan_strategy {
           uint32_t struct_size, reserved;
           /* Takes on a task.  Inputs are borrowed until end. */
           fan_code (*begin)(fan_instance *, uint64_t task, fan_view spec, const fan_blob *FAN_NULLABLE inputs,
                             uint32_t n, fan_error *FAN_NULLABLE err);
           /* Hands out up to want subtasks, sized for what it has learned so far. */
           fan_code (*split)(fan_instance *, uint64_t task, uint32_t want, const fan_sink *,
                             uint32_t *state, fan_error *FAN_NULLABLE err);
           /* Learns, merges, streams output, adds subtasks.  In order of arrival, not of id. */
           fan_code (*on_result)(fan_instance *, uint64_t task, const fan_result *, const fan_sink *,
                                 fan_error *FAN_NULLABLE err);
           /* The host's retries are used up, or the failure is not one to retry: what now? */
           fan_code (*on_failure)(fan_instance *, uint64_t task, uint64_t subtask, const fan_error *why,
                                  uint32_t attempts, const fan_sink *, uint32_t *verdict, fan_error *FAN_NULLABLE err);
           /* Workers came, went or changed price: {"workers":[...],"deadline","budget"}.  May be NULL. */
           fan_code (*FAN_NULLABLE on_capacity)(fan_instance *, uint64_t task, fan_view capacity, const fan_sink *,
                                   fan_error *FAN_NULLABLE err);
           /* Asks to break up a subtask that holds everyone up.  Puts replacements.  May be NULL. */
           fan_code (*FAN_NULLABLE resplit)(fan_instance *, uint64_t task, uint64_t subtask, const fan_sink *,
                               fan_error *FAN_NULLABLE err);
           /* Everything is in: puts the rest of the output. */
           fan_code (*finish)(fan_instance *, uint64_t task, const fan_sink *, fan_error *FAN_NULLABLE err);
           /* Forgets the task.  Exactly once for every begin that returned FAN_OK, whatever happened. */
           void (*end)(fan_instance *, uint64_t task);
        } fan_strategy;

        /* "fanfold.explain/1".  Optional.  Says what the strategy would do with a task that it has begun, and
         * why, in one sink->output: {"summary":"one sentence","why":["…"],"subtasks":n or null,
         * "stages":[{"name","layers","compute","memory","device"}]}.  Changes nothing.  [lane] */
        typedef struct fan_explain {
           uint32_t struct_size, reserved;
           fan_code (*explain)(fan_instance *, uint64_t task, const fan_sink *, fan_error *FAN_NULLABLE err);
        } fan_explain;

        /* ------------------------------------------------------------------------------- providers -- */
        /* "fanfold.provider/1".  Rents workers.  Keep no state: the tags on the workers are the
         * database.  Every call is asynchronous, and safe to repeat.  All [lane]. */
        typedef struct fan_provider {
           uint32_t struct_size, reserved;
           /* Are credentials, permissions and quota good?  -> {"checks":[{"name","ok","fix"}]} */
           void (*check)(fan_instance *, const fan_call *);
           /* What is for rent, where, at what price?  Emits pages of {"offerings":[{"id","region","zone",
            * "cpu","memory","gpu","market":"spot|on-demand","price_per_hour","currency","as_of",
            * "available","interruption","boot_s"}]}; "gpu_memory", bytes of each GPU, if known.  List what is
            * sold out too, marked so. */
           void (*offerings)(fan_instance *, const fan_call *, fan_view query);
           /* {"token":<uuid>,"offerings":[best first],"count":{"min","max"},"boot":<user data>,"tags",
            * "expires"} -> {"workers":[...]}.  The same token twice gives the same workers.  Tag every
            * worker with it, and derive one cloud token per offering tried (UUIDv5): clouds refuse a
            * token that comes back with other parameters.  Fewer than max is success, fewer than min
            * is not.  A worker the host does not renew by "expires" ends itself. */
           void (*launch)(fan_instance *, const fan_call *, fan_view request);
           /* {"owner"} or {"ids"} or {"token"} -> every worker, also those just terminated:
            * {"id","token","state":"starting|running|stopping|gone","address","offering","since"}. */
           void (*describe)(fan_instance *, const fan_call *, fan_view query);
           /* {"ids"}.  Gone already is success.  Completes once the cloud has accepted it. */
           void (*terminate)(fan_instance *, const fan_call *, fan_view request);
        } fan_provider;

        /* ------------------------------------------------------------------------------- executors -- */
        /* "fanfold.executor/1".  Runs subtasks on a worker.  All [lane] unless the component is
         * FAN_CONCURRENT. */
        typedef struct fan_executor {
           uint32_t struct_size, reserved;
           void (*load)(fan_instance *, const fan_call *, uint64_t module, fan_view spec,
                        const fan_blob *FAN_NULLABLE parts, uint32_t n); /* once: map, compile, warm up              */
           /* A part whose release is set is handed over: copy the struct, set this one's release to NULL,
            * and release the copy once.  What run leaves there, the host releases when the call has been
            * completed; a part without a release is lent until then.  Tensors and tables come only to a
            * component whose config_schema asks for them: "x-fanfold-inputs":["tensor","arrow"]. */
           void (*run)(fan_instance *, const fan_call *, uint64_t module, const fan_subtask *);
           void (*unload)(fan_instance *, uint64_t module);
        } fan_executor;

        /* "fanfold.policy/1".  Places, and learns how that turned out.  Answers through sink->output.  All [lane].
         * What place is shown: {"requests":[{"cpus","memory_bytes","gpus":n,"gpu_share","gpu_memory_bytes",
         *   "labels":["NAME=VALUE"]}],"workers":[{"cpus","memory_bytes","gpus":n,"gpu_memory_bytes","labels",
         *   "used_up_to","count":n}]}.  Each of workers stands for all that have so much in all and those
         *   labels, while "used_up_to" of the scarcest is in use (0, 0.25, 0.5, 0.75, 1); count of them are
         *   there, however full.  gpu_share is of each GPU that is asked for, 1 = whole.
         * What it answers in one output: {"scores":[[number]]}, one list for each of requests, in it one
         *   finite number for each of workers, in order; higher is better.  The host sees to it that there
         *   is room, keeps the scores, asks again about what is new, and decides itself between equal ones
         *   and while there is no answer.  Anything else, or more than 1 MiB, counts as no answer, and so
         *   does one that comes after the host's budget.  Answer from what you are shown and have observed
         *   alone: the host may ask a new instance, which has observed nothing, and more than once.
         * What observe is told, some time after the attempts: {"outcomes":[{"request":{..},"worker":{..},
         *   "ended","ran_ns","cpu_ns","peak_memory_bytes","peak_gpu_memory_bytes","bytes_in","bytes_out",
         *   "items"}],"dropped":n}.  request and worker are as in place; the worker is one, as full as it was
         *   at the end of the attempt, the attempt included.  "ended" is "succeeded", or why it did not:
         *   "exit-code", "out-of-memory", "timeout", "worker-lost", "preempted", "cancelled", "unavailable",
         *   "plugin-crash", "input-missing", "misconfigured" or "other"; take one that you do not know for
         *   "other".  A figure that is 0 or was not measured is left out, but ran_ns.  An attempt is told once
         *   at most; "dropped" more ended since the call before and are not told.  The host asks place again
         *   from time to time after it has told something.  A call that comes back after the budget, or not at
         *   all, counts as one of place does; an error goes nowhere.
         * predict is reserved: no host calls it, and what it would be asked is not laid down.  Answer
         *   FAN_UNIMPLEMENTED. */
        typedef struct fan_policy {
           uint32_t struct_size, reserved;
           fan_code (*predict)(fan_instance *, fan_view query, const fan_sink *, fan_error *FAN_NULLABLE err);
           void (*observe)(fan_instance *, fan_view outcome);
           fan_code (*place)(fan_instance *, fan_view snapshot, const fan_sink *, fan_error *FAN_NULLABLE err);
        } fan_policy;

        /* "fanfold.cancel/1".  Only for a component that waits on something the host cannot see.  [any] */
        typedef struct fan_cancel {
           uint32_t struct_size, reserved;
           void (*cancel)(fan_instance *, fan_op op);
        } fan_cancel;

        /* ------------------------------------------------------------------------------- the entry -- */

        enum { FAN_KIND_STRATEGY = 1, FAN_KIND_PROVIDER, FAN_KIND_EXECUTOR, FAN_KIND_POLICY };
        enum { FAN_CONCURRENT = 1u << 0 }; /* [lane] calls may overlap: the component locks for itself */

        typedef struct fan_component { /* Constant data: the same every time, in every process. */
           uint32_t    struct_size;
           uint32_t    kind;
           uint32_t    flags;
           uint32_t    needs_minor;   /* the OLDEST host minor it works with, not the header it saw    */
           const char *id;            /* "com.example.split.rows": what the YAML says after `use:`     */
           const char *version;       /* semver of the component                                       */
           const char *summary;       /* one sentence                                                  */
           const char *FAN_NULLABLE vendor;
           const char *FAN_NULLABLE license; /* SPDX                                                        */
           const char *FAN_NULLABLE url;
           const char *FAN_NULLABLE config_schema; /* JSON Schema 2020-12, with defaults and descriptions           */
           const char *const FAN_NULLABLE *FAN_NULLABLE needs_services; /* NULL-terminated; NULL = none                          */
        } fan_component;

        typedef struct fan_plugin {
           uint32_t struct_size;
           uint32_t built_minor; /* FAN_ABI_MINOR as compiled; for messages, never for a decision      */
           const fan_component *const FAN_NULLABLE *FAN_NONNULL components; /* NULL-terminated            */
           /* Makes an instance.  config is complete: checked against the schema, defaults filled in. */
           fan_code (*create)(const fan_component *, const fan_host *, fan_view config,
                              fan_instance *FAN_NULLABLE *FAN_NONNULL out, fan_error *FAN_NULLABLE err);
           /* Finds an interface, e.g. "fanfold.strategy/1".  NULL for every other id.  [any] */
           const void *FAN_NULLABLE (*FAN_NONNULL query)(fan_instance *, const char *id);
           /* Ends an instance.  Every call is answered by then; its threads are joined on return. */
           void (*destroy)(fan_instance *);
        } fan_plugin;

        typedef const fan_plugin *fan_entry(void); /* [scan]  Constant data; no work, no allocation.    */
        FAN_EXPORT const fan_plugin *fanfold_plugin_v1(void);

        #if defined(__clang__)
        #pragma clang assume_nonnull end
        #pragma clang diagnostic pop
        #endif
        #ifdef __cplusplus
        }
        #endif
        #endif

        """#
}
