import CPluginABI
import FanfoldCore
import FanfoldJSON

/// Why an answer of a policy counts for nothing.
package struct PolicyMiss: Error, Hashable, Sendable {
    /// Which kind of miss.
    package var fault: PolicyFault
    /// What was wanted and what was found.
    package var message: String

    /// A miss.
    package init(fault: PolicyFault, message: String) {
        self.fault = fault
        self.message = message
    }
}

/// What `place` of `fanfold.policy/1` is shown, and what it answers.
package enum PolicySnapshot {
    /// A question as the header of the contract has it: the pairs are those of requests with
    /// workers, which are kinds at each load, in the order of the question.
    package static func json(_ question: PolicyQuestion) -> JSON {
        [
            "requests": .array(question.requests.map(request)),
            "workers": .array(
                zip(question.kinds, question.workers).flatMap { kind, count in
                    (0..<WorkerLoad.count).map { worker(kind, count, load: $0) }
                }),
        ]
    }

    /// What is asked for, as the header of the contract has it.
    static func request(_ request: ResourceRequest) -> JSON {
        [
            "cpus": .number(Double(request.milliCores) / 1000),
            "memory_bytes": .integer(request.memoryBytes),
            "gpus": .integer(Int64(request.devices)),
            "gpu_share": .number(
                request.devices > 0 ? Double(request.deviceMilli) / 1000 : 0),
            "gpu_memory_bytes": .integer(request.deviceMemoryBytes),
            "labels": .array(request.labels.map(JSON.string)),
        ]
    }

    /// Workers of a kind at a load, as the header of the contract has them.
    static func worker(_ kind: WorkerKind, _ count: Int, load: Int) -> JSON {
        [
            "cpus": .number(Double(kind.milliCores) / 1000),
            "memory_bytes": .integer(kind.gibibytes << 30),
            "gpus": .integer(Int64(kind.devices)),
            "gpu_memory_bytes": .integer(kind.deviceGibibytes << 30),
            "labels": .array(kind.labels.map(JSON.string)),
            "used_up_to": .number(WorkerLoad.upTo(load)),
            "count": .integer(Int64(count)),
        ]
    }

    /// The scores of an answer, in the order of ``PolicyAnswer/scores``.
    ///
    /// - Throws: a miss of the kind ``PolicyFault/wrong`` unless there is one finite number for each
    ///   pair that was asked about.
    package static func scores(
        _ bytes: [UInt8], of question: PolicyQuestion
    ) throws(PolicyMiss) -> [Double] {
        func wrong(_ what: String) -> PolicyMiss { PolicyMiss(fault: .wrong, message: what) }
        guard !bytes.isEmpty else { throw wrong("it answered nothing") }
        guard bytes.count <= Int(FAN_MAX_SPEC_BYTES) else {
            throw wrong("its answer has \(bytes.count) bytes; wanted at most 1 MiB")
        }
        let shown = String(decoding: bytes.prefix(80), as: UTF8.self)
        guard let json = try? JSON(parsing: bytes) else {
            throw wrong("its answer is no JSON: \(shown)")
        }
        guard let rows = json["scores"]?.arrayValue else {
            throw wrong("its answer has no list \"scores\": \(shown)")
        }
        guard rows.count == question.classes.count else {
            throw wrong(
                "it scored \(rows.count) requests; wanted each of \(question.classes.count)")
        }
        let width = question.kinds.count * WorkerLoad.count
        var scores: [Double] = []
        scores.reserveCapacity(question.scoreCount)
        for row in rows {
            guard let row = row.arrayValue, row.count == width else {
                throw wrong(
                    "it scored \(row.arrayValue?.count ?? 0) workers; wanted each of \(width)")
            }
            for value in row {
                guard let score = value.doubleValue, score.isFinite else {
                    throw wrong("a score is \(value.text.prefix(40)); wanted a finite number")
                }
                scores.append(score)
            }
        }
        return scores
    }
}
