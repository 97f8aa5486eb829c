import FanfoldJSON
import FanfoldRuntime
@preconcurrency import Glibc

/// Writes the outputs of a run: to their files, to standard output, or into the report.
struct RunOutputs {
    /// `NAME: PATH` of each file that was written.
    private(set) var written: [String] = []
    private var object = JSONObject()

    /// What the report says of the outputs: the value, or the file it was written to.
    var json: JSON { .object(object) }

    /// Writes everything.
    ///
    /// Parameter inline: Outputs without a file go into `json` and not to standard output.
    init(_ report: RunReport, inline: Bool) throws {
        for output in report.outputs {
            let declaration = output.declaration
            let format = declaration.format ?? output.data.format
            let parts = [InputPart.slice(output.data.whole)]
            if let path = declaration.path {
                try DataWriting.write(parts, as: format, toFile: path)
                written.append("\(declaration.name): \(path)")
                object[declaration.name] = ["file": .string(path)]
            } else if inline {
                object[declaration.name] = try Self.value(of: parts, format)
            } else {
                try Self.print(parts, as: format)
            }
        }
    }

    /// JSON as it is, records as an array, other text as a string.
    private static func value(of parts: [InputPart], _ format: DataFormat) throws -> JSON {
        let wanted: DataFormat = format == .jsonl ? .json : format
        let text = try DataEncoding.bytes(of: parts, as: wanted)
        if wanted == .json, let value = try? JSON(parsing: text) { return value }
        return .string(String(decoding: text, as: UTF8.self))
    }

    /// Writes to standard output; a reader that has gone away is no error, a full disk is.
    private static func print(_ parts: [InputPart], as format: DataFormat) throws {
        var last: UInt8 = 0
        try DataEncoding.encode(parts, as: format) { bytes in
            _ = fwrite(bytes.baseAddress, 1, bytes.count, stdout)
            last = bytes.last ?? last
        }
        if format == .json, last != UInt8(ascii: "\n") { Terminal.print("") }
        if let reason = Terminal.flushFailure() {
            throw DataError.cannotWrite(path: "standard output", reason: reason)
        }
    }
}
