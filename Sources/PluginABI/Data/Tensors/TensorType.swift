/// The type of the numbers of a tensor, under the names that three formats give it.
///
/// Source: DLPack 1.x `DLDataTypeCode`; `numpy.dtype.str`; the safetensors format's `dtype`.
package enum TensorType: String, Sendable, Hashable, CaseIterable {
    case bool
    case int8
    case int16
    case int32
    case int64
    case uint8
    case uint16
    case uint32
    case uint64
    case float16
    case float32
    case float64
    case bfloat16
    case float8e4m3
    case float8e5m2
    case complex64
    case complex128

    /// The code and the bits of one number in DLPack.
    package var dlpack: (code: UInt8, bits: UInt8) {
        switch self {
        case .int8: (0, 8)
        case .int16: (0, 16)
        case .int32: (0, 32)
        case .int64: (0, 64)
        case .uint8: (1, 8)
        case .uint16: (1, 16)
        case .uint32: (1, 32)
        case .uint64: (1, 64)
        case .float16: (2, 16)
        case .float32: (2, 32)
        case .float64: (2, 64)
        case .bfloat16: (4, 16)
        case .complex64: (5, 64)
        case .complex128: (5, 128)
        case .bool: (6, 8)
        case .float8e4m3: (10, 8)
        case .float8e5m2: (12, 8)
        }
    }

    /// The letter and the bytes of one number in numpy; `nil` for what numpy does not have.
    package var numpy: String? {
        switch self {
        case .bool: "b1"
        case .int8: "i1"
        case .int16: "i2"
        case .int32: "i4"
        case .int64: "i8"
        case .uint8: "u1"
        case .uint16: "u2"
        case .uint32: "u4"
        case .uint64: "u8"
        case .float16: "f2"
        case .float32: "f4"
        case .float64: "f8"
        case .complex64: "c8"
        case .complex128: "c16"
        case .bfloat16, .float8e4m3, .float8e5m2: nil
        }
    }

    /// The name in a safetensors file; `nil` for what the format does not have.
    package var safetensors: String? {
        switch self {
        case .bool: "BOOL"
        case .int8: "I8"
        case .int16: "I16"
        case .int32: "I32"
        case .int64: "I64"
        case .uint8: "U8"
        case .uint16: "U16"
        case .uint32: "U32"
        case .uint64: "U64"
        case .float16: "F16"
        case .float32: "F32"
        case .float64: "F64"
        case .bfloat16: "BF16"
        case .float8e4m3: "F8_E4M3"
        case .float8e5m2: "F8_E5M2"
        case .complex64: "C64"
        case .complex128: nil
        }
    }

    /// Bytes of one number.
    package var size: Int { Int(dlpack.bits) / 8 }

    /// Bytes that are swapped together between byte orders: half a number for complex ones.
    package var swapSize: Int { dlpack.code == 5 ? size / 2 : size }

    /// The type with this code and these bits; `nil` if none of ours has.
    package init?(dlpackCode code: UInt8, bits: UInt8) {
        guard let type = TensorType.allCases.first(where: { $0.dlpack == (code, bits) }) else {
            return nil
        }
        self = type
    }

    /// The type that numpy calls `kind`, without the byte order before it.
    package init?(numpy kind: String) {
        guard let type = TensorType.allCases.first(where: { $0.numpy == kind }) else { return nil }
        self = type
    }

    /// The type that a safetensors file calls `name`.
    package init?(safetensors name: String) {
        guard let type = TensorType.allCases.first(where: { $0.safetensors == name }) else {
            return nil
        }
        self = type
    }
}
