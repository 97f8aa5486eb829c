import FanfoldCore
import FanfoldJSON

extension PlannedTask {
    /// What `begin` is told: see `fanfold_plugin.h`.
    func beginSpec(inputs: [Dataset], seed: UInt64) -> JSONObject {
        var spec = JSONObject()
        spec["task"] = .string(name)
        spec["seed"] = .integer(Int64(bitPattern: seed))
        spec["run"] = runText ?? .null
        spec["inputs"] = .array(
            zip(inputNames, inputs).map { name, input in
                [
                    "name": .string(name), "format": .string(input.format.rawValue),
                    "items": .integer(Int64(input.count)),
                    "bytes": .integer(Int64(input.byteCount)),
                ]
            })
        return spec
    }
}

extension TaskSpec {
    /// A task of a document in the coordinator's words.
    init(_ task: TaskDeclaration, index: Int) {
        self.init(
            id: TaskID(UInt32(index)), name: task.name,
            dependsOn: task.dependencies.map { TaskID(UInt32($0)) },
            needs: ResourceRequest(task.needs),
            timeoutNanoseconds: task.timeoutNanoseconds.map { UInt64(clamping: $0) },
            retry: RetryPolicy(
                attempts: task.retryAttempts,
                baseNanoseconds: UInt64(clamping: task.backoffNanoseconds)),
            failurePolicy: FailurePolicy(task.failurePolicy))
    }
}

extension FailurePolicy {
    init(_ policy: FailurePolicyDeclaration) {
        self =
            switch policy {
            case .failFast: .failFast
            case .bestEffort: .bestEffort
            case .minimumSuccess(let share): .minimumSuccess(share)
            }
    }
}

extension ResourceRequest {
    /// The needs of a document: more than one GPU is that many whole devices.
    init(_ needs: NeedsDeclaration) {
        let devices = Int((needs.gpuMillis + 999) / 1000)
        self.init(
            milliCores: needs.cpuMillis, memoryBytes: needs.memoryBytes, devices: devices,
            deviceMilli: devices == 1 ? needs.gpuMillis : 1000,
            deviceMemoryBytes: needs.gpuMemoryBytes, topology: needs.gpuTopology,
            labels: needs.labels.map { "\($0.name)=\($0.value)" })
    }
}

/// What a strategy is told of the workers.
enum EngineCapacity {
    /// `slots` is how many subtasks with these needs run at a time on all workers.
    static func describe(_ workers: [LocalWorkerPlan], needs: ResourceRequest) -> JSON {
        let slots = workers.reduce(Int64(0)) { sum, worker in
            let byCores: Int64 =
                needs.milliCores > 0 ? worker.milliCores / needs.milliCores : .max
            let byMemory: Int64 =
                needs.memoryBytes > 0 ? worker.memoryBytes / needs.memoryBytes : .max
            let fitting = min(byCores, byMemory, Int64(LocalWorker.maximumThreads))
            return sum + (needs.devices > 0 ? 0 : fitting)
        }
        return [
            "slots": .integer(max(1, slots)),
            "workers": .array(
                workers.map { worker in
                    [
                        "id": .string(worker.name),
                        "cpus": .number(Double(worker.milliCores) / 1000),
                        "memory_bytes": .integer(worker.memoryBytes), "gpus": 0, "speed": 1,
                    ]
                }),
        ]
    }
}
