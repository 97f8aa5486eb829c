#ifndef FANFOLD_CLIBFFI_SHIM_H
#define FANFOLD_CLIBFFI_SHIM_H
#include <ffi.h>
#include <stddef.h>

/* The type that a letter of a signature means; NULL for a letter that means none.
 * v void, b int8, B uint8, h int16, H uint16, i int32, I uint32, q int64, Q uint64, f float, d double,
 * s const char *. */
static inline ffi_type *_Nullable fan_ffi_type(unsigned char letter) {
    switch (letter) {
        case 'v': return &ffi_type_void;
        case 'b': return &ffi_type_sint8;
        case 'B': return &ffi_type_uint8;
        case 'h': return &ffi_type_sint16;
        case 'H': return &ffi_type_uint16;
        case 'i': return &ffi_type_sint32;
        case 'I': return &ffi_type_uint32;
        case 'q': return &ffi_type_sint64;
        case 'Q': return &ffi_type_uint64;
        case 'f': return &ffi_type_float;
        case 'd': return &ffi_type_double;
        case 's': return &ffi_type_pointer;
        default: return NULL;
    }
}

/* Prepares calls of functions of these types; both lists must live as long as `call`.  Whether it worked. */
static inline int fan_ffi_prepare(ffi_cif *_Nonnull call, unsigned count, ffi_type *_Nonnull result,
                                  ffi_type *_Nullable *_Nonnull parameters) {
    return ffi_prep_cif(call, FFI_DEFAULT_ABI, count, result, parameters) == FFI_OK;
}

/* Calls `function`, an address that dlsym gave.  `result` has room for 16 bytes. */
static inline void fan_ffi_call(ffi_cif *_Nonnull call, void *_Nonnull function, void *_Nonnull result,
                                void *_Nullable *_Nonnull arguments) {
    ffi_call(call, (void (*)(void))function, result, arguments);
}
#endif
