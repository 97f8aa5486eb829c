import FanfoldJSON

/// `native:`: a function in a shared library, called once for each item in a child process.
final class NativeSpec: Sendable {
    let library: String
    let symbol: String
    let signature: NativeSignature
    /// Members of an item that are the arguments, in order; empty: by position.
    let arguments: [String]

    init(_ outer: RunSpecReader) throws(RunSpecError) {
        try outer.allow(["native"])
        let reader = try RunSpecReader(
            outer.object["native"] ?? .null, at: outer.pointer.appending("native"), what: "native")
        try reader.allow(["library", "symbol", "signature", "arguments"])
        library = try reader.required("library")
        symbol = try reader.required("symbol")
        let text = try reader.required("signature")
        do throws(NativeSignature.Failure) {
            signature = try NativeSignature(parsing: text)
        } catch {
            throw reader.error("column \(error.column): \(error.message)", key: "signature")
        }
        arguments = try reader.strings("arguments") ?? []
        guard arguments.isEmpty || arguments.count == signature.parameters.count else {
            throw reader.error(
                "the signature has \(signature.parameters.count) parameters, "
                    + "found \(arguments.count) names",
                key: "arguments")
        }
    }
}

/// The declared types of a C function.
struct NativeSignature: Hashable, Sendable {
    /// A C type that can be passed; the raw value is its letter in the call of the helper.
    enum CType: Character, Sendable {
        case void = "v"
        case int8 = "b"
        case uint8 = "B"
        case int16 = "h"
        case uint16 = "H"
        case int32 = "i"
        case uint32 = "I"
        case int64 = "q"
        case uint64 = "Q"
        case float = "f"
        case double = "d"
        case string = "s"
    }

    /// What is wrong with the text, and where.
    struct Failure: Error, Hashable {
        var column: Int
        var message: String
    }

    let result: CType
    let parameters: [CType]

    /// Most parameters a function may have.
    static let maximumParameters = 64

    /// The letter of the result, a colon, the letters of the parameters: what the helper reads.
    var code: String {
        "\(result.rawValue):" + String(parameters.map(\.rawValue))
    }

    /// Reads `result(parameter, parameter)`, for example `double(double, double)`.
    init(parsing text: String) throws(Failure) {
        guard let open = text.firstIndex(of: "(") else {
            throw Failure(
                column: text.count + 1,
                message: "wanted '(' after the result, as in double(double, double)")
        }
        guard let close = text.firstIndex(of: ")"), close > open else {
            throw Failure(column: text.count + 1, message: "wanted ')' after the parameters")
        }
        let rest = text[text.index(after: close)...]
        if let extra = rest.firstIndex(where: { $0 != " " }) {
            throw Failure(
                column: NativeSignature.column(of: extra, in: text),
                message: "wanted the end after ')', found '\(text[extra])'")
        }
        result = try NativeSignature.type(text[..<open], in: text)
        let list = text[text.index(after: open)..<close]
        let words = list.split(separator: ",", omittingEmptySubsequences: false)
        if words.count == 1, ["", "void"].contains(NativeSignature.normalized(words[0])) {
            parameters = []
            return
        }
        guard words.count <= NativeSignature.maximumParameters else {
            throw Failure(
                column: NativeSignature.column(of: list.startIndex, in: text),
                message: "\(words.count) parameters are more than "
                    + "\(NativeSignature.maximumParameters)")
        }
        var parameters: [CType] = []
        for word in words {
            let type = try NativeSignature.type(word, in: text)
            guard type != .void else {
                throw Failure(
                    column: NativeSignature.column(of: word.startIndex, in: text),
                    message: "void is no parameter among others")
            }
            parameters.append(type)
        }
        self.parameters = parameters
    }

    private static func column(of index: String.Index, in text: String) -> Int {
        text.distance(from: text.startIndex, to: index) + 1
    }

    /// Words with one space between them, and none before `*`.
    private static func normalized(_ text: Substring) -> String {
        text.replacing("*", with: " * ").split(separator: " ").joined(separator: " ")
    }

    private static func type(_ word: Substring, in text: String) throws(Failure) -> CType {
        if let type = types[normalized(word)] { return type }
        let start = word.firstIndex { $0 != " " } ?? word.endIndex
        let name = word.drop { $0 == " " }
        let found = name.isEmpty ? "nothing" : "\"\(normalized(name))\""
        throw Failure(
            column: column(of: start, in: text),
            message: "wanted a C type such as int, int64_t, double, const char *; found \(found)")
    }

    // Sizes as on every 64-bit Linux.
    private static let types: [String: CType] = [
        "void": .void, "char": .int8, "signed char": .int8, "unsigned char": .uint8,
        "int8_t": .int8, "int8": .int8, "uint8_t": .uint8, "uint8": .uint8, "short": .int16,
        "int16_t": .int16, "int16": .int16, "unsigned short": .uint16, "uint16_t": .uint16,
        "uint16": .uint16, "int": .int32, "int32_t": .int32, "int32": .int32,
        "unsigned": .uint32, "unsigned int": .uint32, "uint32_t": .uint32, "uint32": .uint32,
        "long": .int64, "long long": .int64, "int64_t": .int64, "int64": .int64,
        "ssize_t": .int64, "unsigned long": .uint64, "unsigned long long": .uint64,
        "uint64_t": .uint64, "uint64": .uint64, "size_t": .uint64, "float": .float,
        "double": .double, "const char *": .string, "char const *": .string,
        "char *": .string,
    ]
}
