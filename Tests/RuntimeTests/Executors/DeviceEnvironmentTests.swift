import FanfoldCore
import FanfoldJSON
@preconcurrency import Glibc
import Synchronization
import Testing

@testable import FanfoldRuntime

@Suite struct DeviceEnvironmentTests {
    private let folder = TemporaryFolder()

    private func host(graphics: [String] = ["GPU-a", "GPU-b", "GPU-c"]) -> ExecutorHost {
        ExecutorHost(
            scratchDirectory: folder.path, helperPath: "/nonexistent", graphics: graphics)
    }

    private func item(_ more: [(String, JSON)] = []) throws -> WorkItem {
        let text =
            "echo \"$${CUDA_VISIBLE_DEVICES-unset} $${NVIDIA_VISIBLE_DEVICES-unset}\""
        let command: JSON = ["sh", "-c", .string(text)]
        let run: JSON = .object(JSONObject([("command", command)] + more))
        return WorkItem(
            run: try RunSpec(json: run), parts: [], taskName: "t", subtask: 0, attempt: 1,
            pipelineDirectory: "/")
    }

    private func text(_ result: WorkResult) throws -> String {
        switch result.outcome {
        case .success(let payload, _, _): return payload.whole.text
        case .failure(let failure): throw failure
        }
    }

    private func seen(
        _ devices: [Int], by host: ExecutorHost, _ more: [(String, JSON)] = []
    ) throws -> String {
        var item = try item(more)
        item.devices = devices
        return try text(host.run(item, cancellation: Cancellation()))
    }

    @Test func `a program sees the GPUs that are reserved for it and no others`() throws {
        #expect(try seen([2, 0], by: host()) == "GPU-c,GPU-a GPU-c,GPU-a\n")
        #expect(try seen([], by: host()) == " void\n")
        #expect(try seen([7], by: host()) == " void\n")
    }

    @Test func `nothing is set where no GPU is offered; the command's own wins`() throws {
        #expect(try seen([0], by: host(graphics: [])) == "unset unset\n")
        let own: [(String, JSON)] = [("env", ["CUDA_VISIBLE_DEVICES": "0"])]
        #expect(try seen([1], by: host(), own) == "0 GPU-b\n")
    }

    @Test func `what runs later in a slot sees the same GPUs`() throws {
        let ended = Mailbox<EndedAttempt>()
        let worker = LocalWorker(id: WorkerID(0), name: "w", executor: host()) { _, notice in
            guard case .ended(let all) = notice else { return }
            for each in all { ended.post(each) }
        }
        func order(
            _ index: UInt32, _ order: AssignmentOrder, _ devices: [Int] = []
        ) throws -> WorkOrder {
            let attempt = AttemptID(subtask: SubtaskID(task: TaskID(0), index: index), epoch: 1)
            return WorkOrder(
                assignment: Assignment(
                    attempt: attempt, shape: ShapeID(0), order: order, devices: devices),
                work: .run(try item()))
        }
        let first = SlotID(index: 0, generation: 0)
        let second = SlotID(index: 1, generation: 0)
        worker.accept([
            try order(1, .queue), try order(2, .queue), try order(2, .promote(second), [2]),
            try order(0, .start(first), [1]),
        ])
        var all: [EndedAttempt] = []
        let limit = monotonicNanoseconds() + 60_000_000_000
        while all.count < 3, monotonicNanoseconds() < limit { all += ended.takeAll(until: limit) }
        worker.stop(reason: "the test is over")
        for end in all {
            let wanted = end.slot == first ? "GPU-b GPU-b\n" : "GPU-c GPU-c\n"
            #expect(try text(end.result) == wanted)
        }
        #expect(all.count == 3)
    }
}
