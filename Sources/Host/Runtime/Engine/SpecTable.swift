import FanfoldJSON

/// What a strategy said of a subtask beside its parts: read once for all subtasks that share it.
struct DeclaredSpec: Sendable {
    /// What runs instead of the run of the task.
    var run: RunSpec?
    /// The text of `run` and `needs`: subtasks that share both have one shape.
    var shapeKey: [UInt8] = []
    var needs: NeedsDeclaration?
    var names: [String]?
    /// Ids that must have ended well first.
    var after: [UInt64] = []
    var stage: Int?
    var label: String?
    var priority: Float = 0
}

/// Why a specification cannot be used.
struct SpecError: Error {
    var message: String
}

/// The specifications of a task by their text.
///
/// A task of ten million slices has one or two, so the text that came last is compared first and
/// nothing is hashed or parsed for it.
struct SpecTable {
    /// Different specifications of one task, at most.
    static let maximumCount = 1 << 22

    private let limit: Int
    private var numbers: [[UInt8]: UInt32] = [:]
    private var specs: [DeclaredSpec] = []
    private var lastText: [UInt8] = []
    private var lastNumber: UInt32?

    /// A table without a specification, for `limit` of them at most.
    init(limit: Int = Self.maximumCount) {
        self.limit = limit
    }

    /// The specification with this number.
    subscript(number: UInt32) -> DeclaredSpec { specs[Int(number)] }

    /// The number for a text; a new one is appended to `declared`.
    mutating func number(
        of text: UnsafeRawBufferPointer, declaring declared: inout [DeclaredSpec]
    ) throws(SpecError) -> UInt32 {
        if let lastNumber, lastText.count == text.count, lastText.elementsEqual(text) {
            return lastNumber
        }
        let bytes = Array(text)
        let number: UInt32
        if let known = numbers[bytes] {
            number = known
        } else {
            guard specs.count < limit else {
                throw SpecError(message: "more than \(limit) different specifications")
            }
            let spec = try Self.parse(bytes)
            number = UInt32(specs.count)
            specs.append(spec)
            declared.append(spec)
            numbers[bytes] = number
        }
        lastText = bytes
        lastNumber = number
        return number
    }

    private static func parse(_ bytes: [UInt8]) throws(SpecError) -> DeclaredSpec {
        var spec = DeclaredSpec()
        guard !bytes.isEmpty else { return spec }
        let json: JSON
        do throws(JSONParseError) {
            json = try JSON(parsing: bytes)
        } catch {
            throw SpecError(message: "its spec is not JSON: \(error)")
        }
        guard let object = json.objectValue else {
            throw SpecError(message: "its spec is \(json.typeName), wanted an object")
        }
        try parseRun(object, into: &spec)
        spec.names = try list("names", of: object, wanted: "names of parts") { $0.stringValue }
        spec.after =
            try list("after", of: object, wanted: "ids of subtasks") {
                $0.integerValue.flatMap { UInt64(exactly: $0) }
            } ?? []
        spec.stage = object["stage"]?.integerValue.map { Int(clamping: $0) }
        spec.label = object["label"]?.stringValue
        spec.priority = Float(object["priority"]?.doubleValue ?? 0)
        return spec
    }

    /// A member that is a list; `nil` if it is not there.
    private static func list<Element>(
        _ name: String, of object: JSONObject, wanted: String, _ read: (JSON) -> Element?
    ) throws(SpecError) -> [Element]? {
        guard let value = object[name], value != .null else { return nil }
        let elements = value.arrayValue?.compactMap(read)
        guard let elements, elements.count == value.arrayValue?.count else {
            throw SpecError(message: "wanted a list of \(wanted) as \(name), found \(value.text)")
        }
        return elements
    }

    private static func parseRun(
        _ object: JSONObject, into spec: inout DeclaredSpec
    ) throws(SpecError) {
        if let run = object["run"], run != .null {
            do throws(RunSpecError) {
                spec.run = try RunSpec(json: run)
            } catch {
                throw SpecError(message: "\(error)")
            }
            run.write(to: &spec.shapeKey)
        }
        if let needs = object["needs"], needs != .null {
            do throws(NeedsError) {
                spec.needs = try NeedsDeclaration(json: needs)
            } catch {
                throw SpecError(message: "\(error)")
            }
            spec.shapeKey.append(0)
            needs.write(to: &spec.shapeKey)
        }
    }
}
