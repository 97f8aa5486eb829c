import FanfoldData

/// How much data is taken; each is tested at the limit and one past it where memory allows.
package enum DataLimits {
    /// Bytes of one input file.
    package static let fileBytes = 1 << 40
    /// Bytes of one item that has to become a JSON value.
    package static let itemBytes = 256 << 20
    /// Columns of a CSV table.
    package static let columns = 16_384
}

/// Why data cannot be read, understood or written.
package enum DataError: Error, Hashable, Sendable, CustomStringConvertible {
    case missingFile(path: String)
    case notAFile(path: String, found: String)
    case cannotRead(path: String, reason: String)
    case cannotWrite(path: String, reason: String)
    case notUTF8(path: String?, line: Int)
    case malformedJSON(path: String?, line: Int, column: Int, message: String)
    case wrongFieldCount(path: String?, line: Int, wanted: Int, found: Int)
    case badQuote(path: String?, line: Int, message: String)
    case headerDiffers(wanted: String, found: String)
    case notTabular(message: String)
    case tooLarge(path: String?, limit: String, bytes: Int, found: Int)
    /// A tensor or a table that cannot be read or written.
    case malformedBinary(path: String?, DataTransferError)
    /// Tensors or tables that cannot be put one after the other.
    case cannotJoin(message: String)
    /// Items that the wanted format has no place for.
    case cannotConvert(from: String, to: String)

    /// The file that it is about, if it is about one.
    package var path: String? {
        switch self {
        case .missingFile(let path), .notAFile(let path, _), .cannotRead(let path, _),
            .cannotWrite(let path, _):
            path
        case .notUTF8(let path, _), .malformedJSON(let path, _, _, _),
            .wrongFieldCount(let path, _, _, _), .badQuote(let path, _, _),
            .tooLarge(let path, _, _, _), .malformedBinary(let path, _):
            path
        case .headerDiffers, .notTabular, .cannotJoin, .cannotConvert: nil
        }
    }

    /// The line in the data, from 1, if there is one to point at.
    package var line: Int? {
        switch self {
        case .notUTF8(_, let line), .malformedJSON(_, let line, _, _),
            .wrongFieldCount(_, let line, _, _), .badQuote(_, let line, _):
            line
        default: nil
        }
    }

    /// What was wanted, what was found and what to do, without the place.
    package var message: String {
        switch self {
        case .missingFile: "there is no such file"
        case .notAFile(_, let found): "wanted a regular file, found \(found)"
        case .cannotRead(_, let reason): "cannot be read: \(reason)"
        case .cannotWrite(_, let reason): "cannot be written: \(reason)"
        case .notUTF8: "wanted UTF-8, found other bytes; convert the text or use the format bytes"
        case .malformedJSON(_, _, _, let message): "malformed JSON: \(message)"
        case .wrongFieldCount(_, _, let wanted, let found):
            "the header has \(wanted) field\(wanted == 1 ? "" : "s"), this row has \(found)"
        case .badQuote(_, _, let message): message
        case .headerDiffers(let wanted, let found):
            "tables with different headers cannot be appended: \(wanted) and then \(found)"
        case .notTabular(let message): message
        case .tooLarge(_, let limit, let bytes, let found):
            "\(found) is more than \(limit) = \(bytes)"
        case .malformedBinary(_, let error): error.description
        case .cannotJoin(let message): message
        case .cannotConvert(let from, let to):
            "\(to) can be written from \(to) only, and this is \(from); convert it in a command"
        }
    }

    /// `path:line:column: message`, with the parts that are known.
    package var description: String {
        var text = path.map { "\($0):" } ?? ""
        if case .malformedJSON(_, let line, let column, _) = self {
            text += path == nil ? "line \(line), column \(column):" : "\(line):\(column):"
        } else if let line {
            text += path == nil ? "line \(line):" : "\(line):"
        }
        return text.isEmpty ? message : text + " " + message
    }

    /// The same error about the file at `path`, where the error does not name one itself.
    func at(path: String?) -> DataError {
        guard let path, self.path == nil else { return self }
        return switch self {
        case .notUTF8(_, let line): .notUTF8(path: path, line: line)
        case .malformedJSON(_, let line, let column, let message):
            .malformedJSON(path: path, line: line, column: column, message: message)
        case .wrongFieldCount(_, let line, let wanted, let found):
            .wrongFieldCount(path: path, line: line, wanted: wanted, found: found)
        case .badQuote(_, let line, let message):
            .badQuote(path: path, line: line, message: message)
        case .tooLarge(_, let limit, let bytes, let found):
            .tooLarge(path: path, limit: limit, bytes: bytes, found: found)
        case .malformedBinary(_, let error): .malformedBinary(path: path, error)
        default: self
        }
    }

    /// The same error in a text that has `lines` more lines before it.
    func moved(down lines: Int) -> DataError {
        switch self {
        case .notUTF8(let path, let line): .notUTF8(path: path, line: line + lines)
        case .malformedJSON(let path, let line, let column, let message):
            .malformedJSON(path: path, line: line + lines, column: column, message: message)
        case .wrongFieldCount(let path, let line, let wanted, let found):
            .wrongFieldCount(path: path, line: line + lines, wanted: wanted, found: found)
        case .badQuote(let path, let line, let message):
            .badQuote(path: path, line: line + lines, message: message)
        default: self
        }
    }
}
