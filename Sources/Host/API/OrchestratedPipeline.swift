import FanfoldJSON
import Synchronization

/// The pipeline that `task_data` stands for: one input, one task, one output.
enum OrchestratedPipeline {
    /// The name of its one output.
    static let output = "result"

    /// The document, as `docs/api.md` describes it.
    static func document(
        of data: JSON, strategy: String?, queue: JSON? = nil, priority: JSON? = nil
    ) throws(ControlError) -> JSON {
        let use = (strategy ?? "data_parallel").replacing("_", with: "-")
        var run = JSONObject()
        switch (data["command"], data["executor"]) {
        case (let command?, nil):
            run["command"] = command
            run["stdin"] = data["stdin"] ?? "jsonl"
        case (nil, let executor?):
            run["use"] = executor
            run.set("with", data["executor_settings"])
            run.set("stdin", data["stdin"])
        default:
            throw ControlError(
                .invalid,
                "task_data: wanted either command or executor, found "
                    + (data["command"] == nil ? "neither" : "both"))
        }
        run["stdout"] = data["stdout"] ?? "jsonl"
        let document: JSON = [
            "fanfold": 1,
            "name": data["name"] ?? "task",
            "inputs": ["items": ["value": data["items"] ?? []]],
            "tasks": [
                "task": [
                    "input": "${inputs.items}",
                    "strategy": [
                        "use": .string(use), "with": data["parameters"] ?? .object(JSONObject()),
                    ],
                    "run": .object(run),
                ]
            ],
            "outputs": [output: ["from": "${tasks.task.output}", "format": "json"]],
        ]
        var members = document.objectValue ?? JSONObject()
        members.set("queue", queue)
        members.set("priority", priority)
        return .object(members)
    }
}

extension ByteStream {
    /// The bytes with others before and after them.
    func between(_ head: [UInt8], _ tail: [UInt8]) -> ByteStream {
        enum Step { case head, middle, end }
        let step = Mutex(Step.head)
        let next = self.next
        return ByteStream(
            length: length.map { $0 + Int64(head.count + tail.count) }, mediaType: mediaType
        ) { () throws(ControlError) in
            switch step.withLock({ $0 }) {
            case .head:
                step.withLock { $0 = .middle }
                return head
            case .middle:
                if let bytes = try await next() { return bytes }
                step.withLock { $0 = .end }
                return tail
            case .end: return nil
            }
        }
    }
}
