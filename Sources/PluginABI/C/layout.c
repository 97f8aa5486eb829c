/* layout.c - what a compiler must agree to before it may build a plugin or a host.
 *
 * A released struct never changes under its name (POLICY.md).  These asserts are the memory of
 * that promise: an edit that moves a field does not compile.  They are also why this target has
 * a source file at all: without one, SwiftPM does not rebuild what depends on the header.
 *
 * A new struct gets its block here in the same change; an old block is never edited.
 */
#include "fanfold_data.h"
#include "fanfold_plugin.h"

#ifdef __cplusplus
#define ASSERT(condition) static_assert(condition, #condition)
#else
#define ASSERT(condition) _Static_assert(condition, #condition)
#endif
#define SIZE(type, bytes) ASSERT(sizeof(type) == (bytes))
#define AT(type, field, bytes) ASSERT(offsetof(type, field) == (bytes))
/* Function slots from `first` to the end of the table. */
#define SLOTS(type, first, n) \
   ASSERT((sizeof(type) - offsetof(type, first)) / sizeof(void (*)(void)) == (n))

ASSERT(sizeof(void *) == 8);            /* 64-bit only */
ASSERT(sizeof(void (*)(void)) == 8);
ASSERT(sizeof(fan_code) == 4);
ASSERT(sizeof(fan_op) == 8);
ASSERT(FAN_ABI_MAJOR == 1u);
ASSERT(FAN_MAX_NAME_BYTES == 255);
ASSERT(FAN_MAX_SPEC_BYTES == 1048576);
ASSERT(FAN_MAX_PARTS == 65536);
ASSERT(FAN_MAX_COMPONENTS == 256);

/* Numbers that cross the table. */
ASSERT(FAN_BLOB_NONE == 0);
ASSERT(FAN_BLOB_BYTES == 1);
ASSERT(FAN_BLOB_FILE == 2);
ASSERT(FAN_BLOB_TENSOR == 3);
ASSERT(FAN_BLOB_ARROW == 4);
ASSERT(FAN_BLOB_REF == 5);
ASSERT(FAN_BLOB_ITEMS == 6);
ASSERT(FAN_BLOB_RESULT == 7);
ASSERT(FAN_OK == 0);
ASSERT(FAN_CANCELLED == 1);
ASSERT(FAN_UNKNOWN == 2);
ASSERT(FAN_INVALID == 3);
ASSERT(FAN_DEADLINE == 4);
ASSERT(FAN_NOT_FOUND == 5);
ASSERT(FAN_EXISTS == 6);
ASSERT(FAN_DENIED == 7);
ASSERT(FAN_EXHAUSTED == 8);
ASSERT(FAN_PRECONDITION == 9);
ASSERT(FAN_ABORTED == 10);
ASSERT(FAN_RANGE == 11);
ASSERT(FAN_UNIMPLEMENTED == 12);
ASSERT(FAN_INTERNAL == 13);
ASSERT(FAN_UNAVAILABLE == 14);
ASSERT(FAN_DATA_LOSS == 15);
ASSERT(FAN_UNAUTHENTICATED == 16);
ASSERT(FAN_RETRY_NEVER == 0);
ASSERT(FAN_RETRY_LATER == 1);
ASSERT(FAN_RETRY_ELSEWHERE == 2);
ASSERT(FAN_RETRY_RENEWED == 3);
ASSERT(FAN_LOG_TRACE == 0);
ASSERT(FAN_LOG_DEBUG == 1);
ASSERT(FAN_LOG_INFO == 2);
ASSERT(FAN_LOG_WARN == 3);
ASSERT(FAN_LOG_ERROR == 4);
ASSERT(FAN_SPLIT_MORE == 0);
ASSERT(FAN_SPLIT_WAIT == 1);
ASSERT(FAN_SPLIT_END == 2);
ASSERT(FAN_FAILED_RETRY == 0);
ASSERT(FAN_FAILED_REPLACED == 1);
ASSERT(FAN_FAILED_SKIP == 2);
ASSERT(FAN_FAILED_TASK == 3);
ASSERT(FAN_KIND_STRATEGY == 1);
ASSERT(FAN_KIND_PROVIDER == 2);
ASSERT(FAN_KIND_EXECUTOR == 3);
ASSERT(FAN_KIND_POLICY == 4);
ASSERT(FAN_CONCURRENT == 1);

SIZE(fan_view, 16);
AT(fan_view, data, 0);
AT(fan_view, size, 8);

SIZE(fan_blob, 64);
AT(fan_blob, kind, 0);
AT(fan_blob, flags, 4);
AT(fan_blob, data, 8);
AT(fan_blob, type, 16);
AT(fan_blob, size, 24);
AT(fan_blob, offset, 32);
AT(fan_blob, handle, 40);
AT(fan_blob, owner, 48);
AT(fan_blob, release, 56);

SIZE(fan_error, 512);
AT(fan_error, struct_size, 0);
AT(fan_error, code, 4);
AT(fan_error, retry, 8);
AT(fan_error, retry_after_ms, 12);
AT(fan_error, reason, 16);
AT(fan_error, message, 80);

SIZE(fan_call, 32);
AT(fan_call, struct_size, 0);
AT(fan_call, flags, 4);
AT(fan_call, op, 8);
AT(fan_call, deadline, 16);
AT(fan_call, traceparent, 24);

SIZE(fan_host, 80);
AT(fan_host, struct_size, 0);
AT(fan_host, abi_minor, 4);
AT(fan_host, host_data, 8);
AT(fan_host, name, 16);
AT(fan_host, version, 24);
AT(fan_host, service, 32);
AT(fan_host, log, 40);
AT(fan_host, now, 48);
AT(fan_host, emit, 56);
AT(fan_host, complete, 64);
AT(fan_host, cancelled, 72);
SLOTS(fan_host, service, 6);

SIZE(fan_lane, 32);
AT(fan_lane, struct_size, 0);
AT(fan_lane, reserved, 4);
AT(fan_lane, post, 8);
AT(fan_lane, after, 16);
AT(fan_lane, spawn, 24);
SLOTS(fan_lane, post, 3);

SIZE(fan_http, 16);
AT(fan_http, struct_size, 0);
AT(fan_http, reserved, 4);
AT(fan_http, fetch, 8);
SLOTS(fan_http, fetch, 1);

SIZE(fan_store, 24);
AT(fan_store, struct_size, 0);
AT(fan_store, reserved, 4);
AT(fan_store, get, 8);
AT(fan_store, put, 16);
SLOTS(fan_store, get, 2);

SIZE(fan_metrics, 24);
AT(fan_metrics, struct_size, 0);
AT(fan_metrics, reserved, 4);
AT(fan_metrics, add, 8);
AT(fan_metrics, observe, 16);
SLOTS(fan_metrics, add, 2);

SIZE(fan_blobs, 16);
AT(fan_blobs, struct_size, 0);
AT(fan_blobs, reserved, 4);
AT(fan_blobs, alloc, 8);
SLOTS(fan_blobs, alloc, 1);

SIZE(fan_subtask, 40);
AT(fan_subtask, struct_size, 0);
AT(fan_subtask, part_count, 4);
AT(fan_subtask, id, 8);
AT(fan_subtask, spec, 16);
AT(fan_subtask, parts, 32);

SIZE(fan_result, 40);
AT(fan_result, struct_size, 0);
AT(fan_result, part_count, 4);
AT(fan_result, subtask, 8);
AT(fan_result, json, 16);
AT(fan_result, parts, 32);

SIZE(fan_sink, 40);
AT(fan_sink, struct_size, 0);
AT(fan_sink, reserved, 4);
AT(fan_sink, sink_data, 8);
AT(fan_sink, subtask, 16);
AT(fan_sink, withdraw, 24);
AT(fan_sink, output, 32);
SLOTS(fan_sink, subtask, 3);

SIZE(fan_strategy, 72);
AT(fan_strategy, struct_size, 0);
AT(fan_strategy, reserved, 4);
AT(fan_strategy, begin, 8);
AT(fan_strategy, split, 16);
AT(fan_strategy, on_result, 24);
AT(fan_strategy, on_failure, 32);
AT(fan_strategy, on_capacity, 40);
AT(fan_strategy, resplit, 48);
AT(fan_strategy, finish, 56);
AT(fan_strategy, end, 64);
SLOTS(fan_strategy, begin, 8);

SIZE(fan_explain, 16);
AT(fan_explain, struct_size, 0);
AT(fan_explain, reserved, 4);
AT(fan_explain, explain, 8);
SLOTS(fan_explain, explain, 1);

SIZE(fan_provider, 48);
AT(fan_provider, struct_size, 0);
AT(fan_provider, reserved, 4);
AT(fan_provider, check, 8);
AT(fan_provider, offerings, 16);
AT(fan_provider, launch, 24);
AT(fan_provider, describe, 32);
AT(fan_provider, terminate, 40);
SLOTS(fan_provider, check, 5);

SIZE(fan_executor, 32);
AT(fan_executor, struct_size, 0);
AT(fan_executor, reserved, 4);
AT(fan_executor, load, 8);
AT(fan_executor, run, 16);
AT(fan_executor, unload, 24);
SLOTS(fan_executor, load, 3);

SIZE(fan_policy, 32);
AT(fan_policy, struct_size, 0);
AT(fan_policy, reserved, 4);
AT(fan_policy, predict, 8);
AT(fan_policy, observe, 16);
AT(fan_policy, place, 24);
SLOTS(fan_policy, predict, 3);

SIZE(fan_cancel, 16);
AT(fan_cancel, struct_size, 0);
AT(fan_cancel, reserved, 4);
AT(fan_cancel, cancel, 8);
SLOTS(fan_cancel, cancel, 1);

SIZE(fan_component, 80);
AT(fan_component, struct_size, 0);
AT(fan_component, kind, 4);
AT(fan_component, flags, 8);
AT(fan_component, needs_minor, 12);
AT(fan_component, id, 16);
AT(fan_component, version, 24);
AT(fan_component, summary, 32);
AT(fan_component, vendor, 40);
AT(fan_component, license, 48);
AT(fan_component, url, 56);
AT(fan_component, config_schema, 64);
AT(fan_component, needs_services, 72);

SIZE(fan_plugin, 40);
AT(fan_plugin, struct_size, 0);
AT(fan_plugin, built_minor, 4);
AT(fan_plugin, components, 8);
AT(fan_plugin, create, 16);
AT(fan_plugin, query, 24);
AT(fan_plugin, destroy, 32);
SLOTS(fan_plugin, create, 3);

/* The limits inside fixed text: a reason and a message always have room for their zero. */
ASSERT(sizeof(((fan_error *)0)->reason) == 64);
ASSERT(sizeof(((fan_error *)0)->message) == 432);

/* fanfold_data.h: layouts that DLPack and Arrow have published and promise not to change. */
ASSERT(FAN_DL_READ_ONLY == 1);
ASSERT(FAN_DL_COPIED == 2);
ASSERT(FAN_DL_PADDED == 4);
ASSERT(FAN_DL_CPU == 1);
ASSERT(FAN_DL_MAJOR == 1);
ASSERT(FAN_ARROW_ORDERED_DICTIONARY == 1);
ASSERT(FAN_ARROW_NULLABLE == 2);
ASSERT(FAN_ARROW_SORTED_KEYS == 4);

SIZE(DLPackVersion, 8);
AT(DLPackVersion, major, 0);
AT(DLPackVersion, minor, 4);

SIZE(DLDevice, 8);
AT(DLDevice, device_type, 0);
AT(DLDevice, device_id, 4);

SIZE(DLDataType, 4);
AT(DLDataType, code, 0);
AT(DLDataType, bits, 1);
AT(DLDataType, lanes, 2);

SIZE(DLTensor, 48);
AT(DLTensor, data, 0);
AT(DLTensor, device, 8);
AT(DLTensor, ndim, 16);
AT(DLTensor, dtype, 20);
AT(DLTensor, shape, 24);
AT(DLTensor, strides, 32);
AT(DLTensor, byte_offset, 40);

SIZE(DLManagedTensorVersioned, 80);
AT(DLManagedTensorVersioned, version, 0);
AT(DLManagedTensorVersioned, manager_ctx, 8);
AT(DLManagedTensorVersioned, deleter, 16);
AT(DLManagedTensorVersioned, flags, 24);
AT(DLManagedTensorVersioned, dl_tensor, 32);

SIZE(struct ArrowSchema, 72);
AT(struct ArrowSchema, format, 0);
AT(struct ArrowSchema, name, 8);
AT(struct ArrowSchema, metadata, 16);
AT(struct ArrowSchema, flags, 24);
AT(struct ArrowSchema, n_children, 32);
AT(struct ArrowSchema, children, 40);
AT(struct ArrowSchema, dictionary, 48);
AT(struct ArrowSchema, release, 56);
AT(struct ArrowSchema, private_data, 64);

SIZE(struct ArrowArray, 80);
AT(struct ArrowArray, length, 0);
AT(struct ArrowArray, null_count, 8);
AT(struct ArrowArray, offset, 16);
AT(struct ArrowArray, n_buffers, 24);
AT(struct ArrowArray, n_children, 32);
AT(struct ArrowArray, buffers, 40);
AT(struct ArrowArray, children, 48);
AT(struct ArrowArray, dictionary, 56);
AT(struct ArrowArray, release, 64);
AT(struct ArrowArray, private_data, 72);
