import FanfoldCore
import FanfoldJSON
import FanfoldPlugins

/// A queue that the settings name: `queues:` of `fanfold.yaml`.
package struct QueueDeclaration: Hashable, Sendable {
    /// What the coordinator shares by.
    package var spec: QueueSpec
    /// The highest priority of a run whose submitter is no admin.
    package var maximumPriority: Int
    /// The names of the tokens whose bearers may use it, besides admins; `nil` for everybody who may
    /// hand in runs.
    package var users: [String]?

    /// A queue.
    package init(
        _ spec: QueueSpec, maximumPriority: Int = QueueDeclaration.usualMaximumPriority,
        users: [String]? = nil
    ) {
        self.spec = spec
        self.maximumPriority = maximumPriority
        self.users = users
    }

    /// Who may use it, for people: `alice, bob and admins`.
    package var usersText: String {
        guard let users else { return "everybody" }
        let shown = users.prefix(Self.shownUsers)
        let rest = users.count - shown.count
        let names = shown + (rest > 0 ? ["\(rest) more"] : [])
        return names.isEmpty ? "admins" : names.joined(separator: ", ") + " and admins"
    }

    /// Names in a sentence.
    private static let shownUsers = 16

    /// Unless the settings say otherwise: the highest priority that ends no attempt of a run that has
    /// the usual priority.
    package static let usualMaximumPriority = Limits.preemptionPriorities - 1
}

/// The queues of the settings, and what a pipeline may say of them.
package struct QueueBook: Hashable, Sendable {
    /// The queues, the default one among them whether the settings name it or not.
    package private(set) var queues: [QueueDeclaration]

    /// The queues that the settings name.
    package init(_ declared: [QueueDeclaration] = []) {
        let usual = QueueDeclaration(QueueSpec(name: QueueSpec.defaultName))
        let hasUsual = declared.contains { $0.spec.name == QueueSpec.defaultName }
        queues = (hasUsual ? [] : [usual]) + declared
    }

    /// What the coordinator is told.
    package var specs: [QueueSpec] { queues.map(\.spec) }

    /// A queue by its name; the default one without a name.
    package func queue(_ name: String?) -> QueueDeclaration? {
        queues.first { $0.spec.name == name ?? QueueSpec.defaultName }
    }

    /// Why somebody may not use the queue of a run; `nil` if he may, or if there is no such queue.
    ///
    /// - Parameters:
    ///   - name: what the run says.
    ///   - user: the name of his token.
    ///   - isAdmin: whether he may use every queue.
    package func refusal(queue name: String?, user: String, isAdmin: Bool) -> String? {
        guard !isAdmin, let queue = queue(name), let users = queue.users, !users.contains(user)
        else { return nil }
        return "queue \(queue.spec.name) is for \(queue.usersText), and this token is \"\(user)\": "
            + "name another queue, or have the name added to `users:` of the queue"
    }

    /// What is wrong with the queue and the priority of a pipeline, at its place.
    ///
    /// - Parameter isAdmin: whether whoever hands it in may have any priority.
    package func problems(with pipeline: Pipeline, isAdmin: Bool) -> [Diagnostic] {
        guard let queue = queue(pipeline.queue) else {
            let names = queues.map(\.spec.name)
            let suggestion = pipeline.queue.flatMap { nearest(to: $0, among: names) }
            return [
                pipeline.diagnostic(
                    .queue,
                    message: "there is no queue \"\(pipeline.queue ?? "")\"; there are "
                        + names.joined(separator: ", "),
                    suggestion: suggestion.map { "did you mean \"\($0)\"?" },
                    help: "docs/sharing.md#queues")
            ]
        }
        guard !isAdmin, pipeline.priority > queue.maximumPriority else { return [] }
        return [
            pipeline.diagnostic(
                .priority,
                message: "wanted a priority of at most \(queue.maximumPriority) in queue "
                    + "\(queue.spec.name), found \(pipeline.priority); only an admin may ask for more",
                help: "docs/sharing.md#priorities")
        ]
    }
}

extension Settings {
    /// The queues as the coordinator needs them.
    package var queueBook: QueueBook { QueueBook(queues) }

    /// The queues of a document that fits the schema.
    static func queues(_ json: JSON) -> [QueueDeclaration] {
        (json["queues"]?.objectValue?.members ?? []).map { name, value in
            var spec = QueueSpec(
                name: name, weight: value["weight"]?.integerValue.map(Int.init) ?? 1)
            let quota = value["quota"]
            spec.quota.milliCores = thousandths(quota?["cpus"])
            spec.quota.memoryBytes =
                quota?["memory"]?.stringValue.flatMap(SchemaFormat.byteCount)
            spec.quota.deviceMilli = thousandths(quota?["gpus"])
            spec.quota.borrowing = borrowing(quota?["borrow"])
            var queue = QueueDeclaration(spec)
            queue.maximumPriority =
                value["max-priority"]?.integerValue.map(Int.init) ?? queue.maximumPriority
            queue.users = value["users"]?.arrayValue?.compactMap(\.stringValue)
            return queue
        }
    }

    private static func borrowing(_ value: JSON?) -> Borrowing {
        guard let value, value != false else { return .nothing }
        guard value.objectValue != nil else { return .anything }
        return .atMost(
            BorrowingLimit(
                milliCores: thousandths(value["cpus"]),
                memoryBytes: value["memory"]?.stringValue.flatMap(SchemaFormat.byteCount),
                deviceMilli: thousandths(value["gpus"])))
    }

    /// Limits on what is borrowed where there is no quota: nothing would be borrowed there.
    static func queueProblems(_ json: JSON, _ source: PipelineSource) -> [Diagnostic] {
        (json["queues"]?.objectValue?.members ?? []).flatMap { name, value -> [Diagnostic] in
            let quota = value["quota"]
            return (quota?["borrow"]?.objectValue?.members ?? []).compactMap {
                dimension, _ -> Diagnostic? in
                guard ["cpus", "memory", "gpus"].contains(dimension), quota?[dimension] == nil
                else { return nil }
                return source.diagnostic(
                    JSONPointer(["queues", name, "quota", "borrow", dimension]), atKey: true,
                    "wanted `\(dimension):` in the quota too, found only a limit on what is "
                        + "borrowed beyond it; without a quota of it nothing is borrowed",
                    help: "docs/sharing.md#quotas")
            }
        }
    }

    private static func thousandths(_ value: JSON?) -> Int64? {
        value?.doubleValue.flatMap { Int64(exactly: ($0 * 1_000).rounded()) }
    }

    /// The schema of `queues:`; the numbers are those of `Limits` and `QueueDeclaration`.
    static let queuesSchemaText = #"""
        {
          "description": "Parts of the workers' time, by name; see docs/sharing.md.",
          "type": "object",
          "maxProperties": 256,
          "propertyNames": { "pattern": "^[A-Za-z][A-Za-z0-9_-]{0,63}$" },
          "additionalProperties": {
            "type": "object",
            "additionalProperties": false,
            "properties": {
              "weight": {
                "description": "Twice the weight, twice the share.",
                "type": "integer", "minimum": 1, "maximum": 1000
              },
              "quota": {
                "description": "What its runs may hold at a time; no limit where nothing is said.",
                "type": "object",
                "additionalProperties": false,
                "minProperties": 1,
                "properties": {
                  "cpus": {
                    "description": "Cores.",
                    "type": "number", "minimum": 0.001, "maximum": 1000000000
                  },
                  "memory": {
                    "description": "Memory.", "type": "string", "format": "fanfold-bytes"
                  },
                  "gpus": {
                    "description": "GPUs, all together.",
                    "type": "number", "minimum": 0, "maximum": 1000000000
                  },
                  "borrow": {
                    "description": "Whether it may hold more while no queue within its quota could use it, or how much more.",
                    "anyOf": [
                      { "type": "boolean" },
                      {
                        "type": "object",
                        "additionalProperties": false,
                        "minProperties": 1,
                        "properties": {
                          "cpus": {
                            "description": "Cores beyond the quota.",
                            "type": "number", "minimum": 0, "maximum": 1000000000
                          },
                          "memory": {
                            "description": "Memory beyond the quota.",
                            "type": "string", "format": "fanfold-bytes"
                          },
                          "gpus": {
                            "description": "GPUs beyond the quota, all together.",
                            "type": "number", "minimum": 0, "maximum": 1000000000
                          }
                        }
                      }
                    ]
                  }
                }
              },
              "max-priority": {
                "description": "The highest priority of runs whose submitter is no admin.",
                "type": "integer", "minimum": -100, "maximum": 100
              },
              "users": {
                "description": "The names of the tokens whose runs may be in it, besides those of admins.",
                "type": "array", "maxItems": 1024, "uniqueItems": true,
                "items": { "type": "string", "pattern": "^[A-Za-z][A-Za-z0-9_-]{0,63}$" }
              }
            }
          },
          "default": {}
        }
        """#
}
