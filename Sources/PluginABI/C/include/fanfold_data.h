/* fanfold_data.h - tensors and tables that cross the plugin ABI by reference.   Apache-2.0.
 *
 * What fan_blob.data and fan_blob.type point at for FAN_BLOB_TENSOR and FAN_BLOB_ARROW.  The
 * layouts are published ones, declared here in our own words so that a plugin needs no other
 * header; a program that includes the original header first keeps the original's declarations.
 *
 * Sources   DLPack 1.x: https://dmlc.github.io/dlpack/latest/c_api.html
 *           Arrow C data interface: https://arrow.apache.org/docs/format/CDataInterface.html
 *
 * OWNERSHIP
 *  Blob      fan_blob.release ends everything the blob holds, once, from any thread.
 *  Tensor    release calls the tensor's deleter.  Whoever takes the tensor out of the blob sets
 *            blob.release = NULL and later calls the deleter, once, instead.
 *  Arrow     release calls the release of the array and of the schema unless it is NULL, then
 *            frees the two structs.  Whoever moves a struct out copies it and sets release = NULL
 *            in the original, as Arrow demands, and still releases the blob.
 *  Version   A tensor with another major version than 1 may only be deleted, never read.
 */
#ifndef FANFOLD_DATA_H
#define FANFOLD_DATA_H
#include <stddef.h>
#include <stdint.h>
#ifdef __cplusplus
extern "C" {
#endif

#if defined(__clang__)
#define FAN_DATA_NULLABLE _Nullable
#define FAN_DATA_SENDABLE __attribute__((swift_attr("@Sendable")))
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wnullability-extension"
#pragma clang diagnostic ignored "-Wnullability-completeness"
#else
#define FAN_DATA_NULLABLE
#define FAN_DATA_SENDABLE
#endif

/* ------------------------------------------------------------------------ DLPack, major 1 -- */

#ifndef DLPACK_DLPACK_H_ /* the guard of the original header */

typedef struct DLPackVersion {
   uint32_t major; /* another than 1: only the deleter may be called                           */
   uint32_t minor;
} DLPackVersion;

typedef struct DLDevice {
   int32_t device_type; /* 1 = memory of the CPU, the only one that crosses to a helper        */
   int32_t device_id;
} DLDevice;

typedef struct DLDataType {
   uint8_t  code;  /* 0 int, 1 uint, 2 float, 3 handle, 4 bfloat, 5 complex, 6 bool, 7.. small  */
   uint8_t  bits;  /* of one number                                                            */
   uint16_t lanes; /* numbers of one element                                                   */
} DLDataType;

typedef struct DLTensor {
   void *FAN_DATA_NULLABLE data;
   DLDevice                device;
   int32_t                 ndim;
   DLDataType              dtype;
   int64_t *FAN_DATA_NULLABLE shape;   /* ndim numbers                                         */
   int64_t *FAN_DATA_NULLABLE strides; /* in elements; NULL = rows one after the other         */
   uint64_t                byte_offset; /* of the first element from data                      */
} DLTensor;

struct DLManagedTensorVersioned {
   DLPackVersion version; /* the first field, so that it can be read in any version            */
   void *FAN_DATA_NULLABLE manager_ctx;
   void (*FAN_DATA_NULLABLE FAN_DATA_SENDABLE deleter)(
      struct DLManagedTensorVersioned *FAN_DATA_NULLABLE tensor);
   uint64_t flags; /* FAN_DL_*                                                                 */
   DLTensor dl_tensor;
};
typedef struct DLManagedTensorVersioned DLManagedTensorVersioned;

#endif

enum { /* The bits of DLManagedTensorVersioned.flags, and the device we read. */
   FAN_DL_READ_ONLY = 1, /* the elements must not be written                                   */
   FAN_DL_COPIED    = 2, /* the memory is a copy that nobody else sees                         */
   FAN_DL_PADDED    = 4, /* numbers of less than a byte fill a byte each                       */
   FAN_DL_CPU       = 1,
   FAN_DL_MAJOR     = 1,
};

/* ------------------------------------------------------------------------ Arrow, C data -- */

#ifndef ARROW_C_DATA_INTERFACE /* the guard that the specification names */
#define ARROW_C_DATA_INTERFACE

struct ArrowSchema {
   const char *FAN_DATA_NULLABLE format; /* the type as text: "l" = int64, "u" = UTF-8, "+s"    */
   const char *FAN_DATA_NULLABLE name;
   const char *FAN_DATA_NULLABLE metadata; /* counted pairs in native byte order               */
   int64_t flags;                          /* FAN_ARROW_*                                      */
   int64_t n_children;
   struct ArrowSchema *FAN_DATA_NULLABLE *FAN_DATA_NULLABLE children;
   struct ArrowSchema *FAN_DATA_NULLABLE dictionary;
   void (*FAN_DATA_NULLABLE FAN_DATA_SENDABLE release)(
      struct ArrowSchema *FAN_DATA_NULLABLE schema); /* NULL = released or moved               */
   void *FAN_DATA_NULLABLE private_data;
};

struct ArrowArray {
   int64_t length;
   int64_t null_count; /* -1 = not counted                                                     */
   int64_t offset;     /* elements before the first one, in every buffer                       */
   int64_t n_buffers;
   int64_t n_children;
   const void *FAN_DATA_NULLABLE *FAN_DATA_NULLABLE buffers;
   struct ArrowArray *FAN_DATA_NULLABLE *FAN_DATA_NULLABLE children;
   struct ArrowArray *FAN_DATA_NULLABLE dictionary;
   void (*FAN_DATA_NULLABLE FAN_DATA_SENDABLE release)(
      struct ArrowArray *FAN_DATA_NULLABLE array); /* NULL = released or moved                 */
   void *FAN_DATA_NULLABLE private_data;
};

#endif

enum { /* The bits of ArrowSchema.flags. */
   FAN_ARROW_ORDERED_DICTIONARY = 1,
   FAN_ARROW_NULLABLE           = 2,
   FAN_ARROW_SORTED_KEYS        = 4,
};

#if defined(__clang__)
#pragma clang diagnostic pop
#endif
#ifdef __cplusplus
}
#endif
#endif
