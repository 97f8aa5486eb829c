import CLibFFI
import FanfoldJSON
@preconcurrency import Glibc

/// A function in a shared library, with room for its arguments and its result.
final class NativeFunction {
    let parameters: [UInt8]
    private let result: UInt8
    private let address: UnsafeMutableRawPointer
    private let call = UnsafeMutablePointer<ffi_cif>.allocate(capacity: 1)
    private let types: UnsafeMutablePointer<UnsafeMutablePointer<ffi_type>?>
    private let values: UnsafeMutableRawPointer
    private let places: UnsafeMutablePointer<UnsafeMutableRawPointer?>
    private let resultPlace = UnsafeMutableRawPointer.allocate(byteCount: 16, alignment: 16)
    private var strings: [UnsafeMutablePointer<CChar>] = []

    /// Loads `library` and finds `symbol`.
    ///
    /// - Parameter signature: letter of the result, a colon, letters of the parameters.
    init(library: String, symbol: String, signature: String) throws(HelperFailure) {
        let letters = Array(signature.utf8)
        guard letters.count >= 2, letters[1] == UInt8(ascii: ":"),
            let resultType = fan_ffi_type(letters[0])
        else { throw HelperFailure(code: 64, message: "wanted a signature, found \(signature)") }
        result = letters[0]
        parameters = Array(letters.dropFirst(2))
        guard let handle = dlopen(library, RTLD_NOW | RTLD_LOCAL) else {
            throw HelperFailure(
                code: 69, message: "the library \(library) cannot be loaded: \(loaderMessage())")
        }
        guard let found = dlsym(handle, symbol) else {
            throw HelperFailure(code: 69, message: "\(library) has no symbol `\(symbol)`")
        }
        address = found
        let count = parameters.count
        types = .allocate(capacity: count + 1)
        places = .allocate(capacity: count + 1)
        values = .allocate(byteCount: 8 * (count + 1), alignment: 16)
        for (index, letter) in parameters.enumerated() {
            guard let type = fan_ffi_type(letter) else {
                throw HelperFailure(code: 64, message: "wanted a signature, found \(signature)")
            }
            types[index] = type
            places[index] = values + 8 * index
        }
        guard fan_ffi_prepare(call, UInt32(count), resultType, types) != 0 else {
            throw HelperFailure(
                code: 64, message: "libffi does not take the signature \(signature)")
        }
    }

    /// Puts `value` in the place of parameter `index`.
    ///
    /// - Returns: why it does not fit, or `nil`.
    func set(_ value: JSON, at index: Int) -> String? {
        let place = values + 8 * index
        switch parameters[index] {
        case UInt8(ascii: "s"): return setString(value, place)
        case UInt8(ascii: "d"), UInt8(ascii: "f"): return setFloating(value, index, place)
        case UInt8(ascii: "b"): return setInteger(value, Int8.self, place)
        case UInt8(ascii: "B"): return setInteger(value, UInt8.self, place)
        case UInt8(ascii: "h"): return setInteger(value, Int16.self, place)
        case UInt8(ascii: "H"): return setInteger(value, UInt16.self, place)
        case UInt8(ascii: "i"): return setInteger(value, Int32.self, place)
        case UInt8(ascii: "I"): return setInteger(value, UInt32.self, place)
        case UInt8(ascii: "q"): return setInteger(value, Int64.self, place)
        default: return setInteger(value, UInt64.self, place)
        }
    }

    private func setString(_ value: JSON, _ place: UnsafeMutableRawPointer) -> String? {
        guard let text = value.stringValue else {
            return "wanted a string, found \(value.typeName)"
        }
        guard let copy = strdup(text) else { return "there is no memory for a string" }
        strings.append(copy)
        place.storeBytes(of: copy, as: UnsafeMutablePointer<CChar>.self)
        return nil
    }

    private func setFloating(
        _ value: JSON, _ index: Int, _ place: UnsafeMutableRawPointer
    ) -> String? {
        // The fields of a table are strings.
        guard let number = value.doubleValue ?? value.stringValue.flatMap({ Double($0) }) else {
            return "wanted a number, found \(value.text)"
        }
        if parameters[index] == UInt8(ascii: "d") {
            place.storeBytes(of: number, as: Double.self)
        } else {
            place.storeBytes(of: Float(number), as: Float.self)
        }
        return nil
    }

    private func setInteger<T: FixedWidthInteger & BitwiseCopyable>(
        _ value: JSON, _ type: T.Type, _ place: UnsafeMutableRawPointer
    ) -> String? {
        let found: T? =
            if let number = value.integerValue {
                T(exactly: number)
            } else if let number = value.doubleValue {
                T(exactly: number)
            } else {
                value.stringValue.flatMap { T($0) }
            }
        guard let number = found else {
            return "wanted an integer from \(T.min) to \(T.max), found \(value.text)"
        }
        place.storeBytes(of: number, as: T.self)
        return nil
    }

    /// Calls the function with the arguments that were set; its result as JSON.
    func run() -> JSON {
        fan_ffi_call(call, address, resultPlace, places)
        defer {
            for string in strings { free(string) }
            strings.removeAll(keepingCapacity: true)
        }
        // libffi widens integers to a register, so their bits are those of the smaller type.
        let bits = resultPlace.load(as: UInt64.self)
        switch result {
        case UInt8(ascii: "d"): return .number(resultPlace.load(as: Double.self))
        case UInt8(ascii: "f"): return .number(Double(resultPlace.load(as: Float.self)))
        case UInt8(ascii: "b"): return .integer(Int64(Int8(truncatingIfNeeded: bits)))
        case UInt8(ascii: "B"): return .integer(Int64(UInt8(truncatingIfNeeded: bits)))
        case UInt8(ascii: "h"): return .integer(Int64(Int16(truncatingIfNeeded: bits)))
        case UInt8(ascii: "H"): return .integer(Int64(UInt16(truncatingIfNeeded: bits)))
        case UInt8(ascii: "i"): return .integer(Int64(Int32(truncatingIfNeeded: bits)))
        case UInt8(ascii: "I"): return .integer(Int64(UInt32(truncatingIfNeeded: bits)))
        case UInt8(ascii: "q"): return .integer(Int64(bitPattern: bits))
        case UInt8(ascii: "Q"):
            return Int64(exactly: bits).map { .integer($0) } ?? .number(Double(bits))
        case UInt8(ascii: "s"):
            let text = resultPlace.load(as: UnsafePointer<CChar>?.self)
            return text.map { .string(String(cString: $0)) } ?? .null
        default: return .null
        }
    }
}

private func loaderMessage() -> String {
    dlerror().map { String(cString: $0) } ?? "no reason was given"
}
