import FanfoldJSON

extension Merge: Decodable {
    /// Reads a name, or one name with its options; the message of an error lists the names.
    public init(from decoder: any Decoder) throws {
        let json = try JSON(from: decoder)
        do throws(MergeMistake) {
            self = try Merge(json)
        } catch {
            throw DecodingError.dataCorrupted(
                .init(codingPath: decoder.codingPath, debugDescription: error.message))
        }
    }
}

/// What is wrong with a merge in a configuration.
struct MergeMistake: Error {
    var message: String

    init(_ message: String) {
        self.message = message
    }
}

extension Merge {
    /// The merges in the order in which messages list them.
    static let names = [
        "concat", "interleave", "sum", "mean", "average", "min", "max", "median", "count",
        "histogram", "top-k", "union", "dictionary", "vote", "best", "first", "metrics",
        "tensor-concat", "tensor-sum", "tensor-mean", "stack", "custom",
    ]

    /// How many axes a tensor has at most, as in DataTransferLimits.
    static let maximumAxes = 64

    /// Reads `"sum"` or `{"top-k": {…}}`.
    init(_ json: JSON) throws(MergeMistake) {
        if let name = json.stringValue {
            self = try Merge(name: name, options: .object(JSONObject()))
        } else if let object = json.objectValue, object.count == 1 {
            self = try Merge(name: object.keys[0], options: object.values[0])
        } else {
            throw MergeMistake(
                "wanted the name of a merge or one name with its options, found \(json.text)")
        }
    }

    private init(name: String, options: JSON) throws(MergeMistake) {
        switch name {
        case "concat": self = .concat
        case "interleave": self = .interleave
        case "sum": self = .sum
        case "mean": self = .mean
        case "average": self = .average
        case "min": self = .min
        case "max": self = .max
        case "median": self = .median
        case "count": self = .count
        case "histogram": self = .histogram(edges: try Self.edges(options))
        case "top-k": self = .topK(try TopK(options))
        case "union": self = .union(sorted: options["order"]?.stringValue == "sorted")
        case "dictionary": self = .dictionary(try Self.conflict(options))
        case "vote": self = .vote(try Vote(options))
        case "best": self = try Self.best(options)
        case "first": self = .first(try Self.positive(options["k"] ?? options, "first", 1))
        case "metrics": self = try Self.metrics(options)
        case "tensor-concat": self = .tensorConcat(axis: try Self.axis(options))
        case "tensor-sum": self = .tensorSum
        case "tensor-mean": self = .tensorMean
        case "stack": self = .stack(run: try Self.run(options, of: "stack"))
        case "custom": self = .custom(run: try Self.run(options, of: "custom"))
        default:
            throw MergeMistake(
                "there is no merge \"\(name)\"; there are \(Self.names.joined(separator: ", "))")
        }
    }

    private static func positive(
        _ json: JSON, _ name: String, _ fallback: Int
    ) throws(MergeMistake) -> Int {
        if json.objectValue?.isEmpty == true { return fallback }
        guard let value = json.integerValue, value >= 1 else {
            throw MergeMistake("\(name): k is a whole number from 1, found \(json.text)")
        }
        return Int(value)
    }

    private static func axis(_ options: JSON) throws(MergeMistake) -> Int {
        guard let stated = options["axis"] else { return 0 }
        guard let axis = stated.integerValue, (0..<Int64(Merge.maximumAxes)).contains(axis) else {
            throw MergeMistake(
                "tensor-concat: axis is a whole number from 0 to \(Merge.maximumAxes - 1), "
                    + "found \(stated.text)")
        }
        return Int(axis)
    }

    private static func edges(_ options: JSON) throws(MergeMistake) -> [Double] {
        let edges = (options["edges"]?.arrayValue ?? []).compactMap(\.doubleValue)
        guard zip(edges, edges.dropFirst()).allSatisfy({ $0 < $1 }) else {
            throw MergeMistake("histogram: the edges must go up, found \(options.text)")
        }
        return edges
    }

    private static func conflict(_ options: JSON) throws(MergeMistake) -> Conflict {
        guard let stated = options["on-conflict"]?.stringValue else { return .error }
        guard let conflict = Conflict(rawValue: stated) else {
            throw MergeMistake(
                "dictionary: on-conflict is error, first, last or list, found \(stated)")
        }
        return conflict
    }

    private static func best(_ options: JSON) throws(MergeMistake) -> Merge {
        guard let by = options["by"]?.stringValue ?? options.stringValue else {
            throw MergeMistake("best: wanted the metric under `by`, found \(options.text)")
        }
        return .best(by: by, lowest: options["order"]?.stringValue == "min")
    }

    private static func run(_ options: JSON, of name: String) throws(MergeMistake) -> JSON {
        guard let run = options["run"], run.objectValue != nil else {
            throw MergeMistake("\(name): wanted what to run under `run`, found \(options.text)")
        }
        return run
    }

    private static func metrics(_ options: JSON) throws(MergeMistake) -> Merge {
        guard let metrics = options.objectValue else {
            throw MergeMistake("metrics: wanted metric: reducer, found \(options.text)")
        }
        for (metric, reducers) in metrics.members {
            for reducer in reducers.arrayValue ?? [reducers] {
                guard let name = reducer.stringValue, Reducer(name) != nil else {
                    throw MergeMistake(
                        "metrics: \(metric) wants \(Reducer.wanted), found \(reducer.text)")
                }
            }
        }
        return .metrics(metrics)
    }
}

extension Merge.TopK {
    init(_ options: JSON) throws(MergeMistake) {
        guard let k = (options["k"] ?? options).integerValue, k >= 1 else {
            throw MergeMistake("top-k: k is a whole number from 1, found \(options.text)")
        }
        self.k = Int(k)
        by = options["by"]?.stringValue.flatMap { $0.isEmpty ? nil : $0 }
        lowest = options["order"]?.stringValue == "min"
    }
}

extension Merge.Vote {
    init(_ options: JSON) throws(MergeMistake) {
        let rule = options.stringValue ?? options["by"]?.stringValue ?? "majority"
        guard rule == "majority" || rule == "weighted" else {
            throw MergeMistake("vote: by is majority or weighted, found \(rule)")
        }
        weighted = rule == "weighted"
        threshold = options["threshold"]?.doubleValue.flatMap { $0 == 0 ? nil : $0 }
        if let threshold, !(threshold >= 0 && threshold <= 1) {
            throw MergeMistake("vote: the threshold is a share from 0 to 1, found \(threshold)")
        }
        let stated = options["ties"]?.stringValue ?? Merge.Ties.firstMember.rawValue
        guard let ties = Merge.Ties(rawValue: stated) else {
            throw MergeMistake("vote: ties is first-member, lowest or error, found \(stated)")
        }
        self.ties = ties
    }
}
