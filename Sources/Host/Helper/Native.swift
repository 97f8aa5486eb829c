import CFanfoldSystem
import FanfoldJSON
@preconcurrency import Glibc

/// Calls a function once for each line of standard input and writes a line for each result.
///
/// - Parameter words: library, symbol, signature, and the members of an item that are arguments.
func callNative(_ words: [String]) throws(HelperFailure) {
    guard words.count >= 3 else {
        throw HelperFailure(code: 64, message: "wanted LIBRARY SYMBOL SIGNATURE [MEMBER...]")
    }
    let function = try NativeFunction(library: words[0], symbol: words[1], signature: words[2])
    let members = Array(words.dropFirst(3))
    let input = try readInput()
    var results = ResultStream()
    fan_crash_note_install()
    var number = 0
    for line in input.split(separator: UInt8(ascii: "\n")) {
        fan_crash_note_item(Int64(number))
        do throws(ItemFailure) {
            try set(arguments: try parse(line), of: function, members: members)
        } catch {
            throw HelperFailure(code: 65, message: "item \(number): \(error.message)")
        }
        let result = function.run()
        try results.append { buffer in
            result.write(to: &buffer)
            buffer.append(UInt8(ascii: "\n"))
        }
        number += 1
    }
    try results.flush()
    // What the library does at exit is not the subtask's: its results are complete.
    _exit(0)
}

/// Why an item does not fit the signature.
private struct ItemFailure: Error {
    var message: String
}

private func parse(_ line: ArraySlice<UInt8>) throws(ItemFailure) -> JSON {
    do throws(JSONParseError) {
        return try JSON(parsing: Array(line))
    } catch {
        throw ItemFailure(message: "column \(error.column): \(error.message)")
    }
}

private func set(
    arguments item: JSON, of function: NativeFunction, members: [String]
) throws(ItemFailure) {
    let wanted = function.parameters.count
    if wanted == 0 { return }
    let values = try arguments(of: item, members: members)
    guard values.count == wanted else {
        throw ItemFailure(
            message: "wanted \(wanted) argument\(wanted == 1 ? "" : "s"), found \(values.count)")
    }
    for (index, value) in values.enumerated() {
        if let reason = function.set(value, at: index) {
            throw ItemFailure(message: "argument \(index + 1): \(reason)")
        }
    }
}

private func arguments(of item: JSON, members: [String]) throws(ItemFailure) -> [JSON] {
    switch item {
    case .array(let elements): return elements
    case .object(let object):
        if members.isEmpty { return object.values }
        var values: [JSON] = []
        for member in members {
            guard let value = object[member] else {
                throw ItemFailure(
                    message:
                        "no member \"\(member)\"; there are \(object.keys.joined(separator: ", "))")
            }
            values.append(value)
        }
        return values
    default: return [item]
    }
}
