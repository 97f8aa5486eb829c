import FanfoldBlobs
import FanfoldCore
import FanfoldRuntime
import FanfoldWire
import Foundation
import Testing

@testable import FanfoldCluster

/// What the journal and its snapshots hold, there and back.
struct StateTests {
    private let folder = FileManager.default.temporaryDirectory
        .appendingPathComponent("fanfold-cluster-\(UUID().uuidString)")

    private func coding() throws -> CallCoding {
        CallCoding(blobs: try BlobStore(folder: folder.appendingPathComponent("blobs").path))
    }

    private func outcome(_ index: UInt32, _ payload: Payload) -> SubtaskOutcome {
        SubtaskOutcome(
            index: index, worker: "w", attempt: 3,
            payload: LentPayload(payload.whole, format: .lines), items: 2, ranNanoseconds: 17,
            bytesIn: 4, bytesOut: 9)
    }

    @Test func `calls come back as they were made`() throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let coding = try coding()
        let failure = Failure(.timeout, retry: .later, reason: "attempt.timeout", "too long")
        let calls: [StrategyCall] = [
            .begin(spec: Array("{}".utf8)), .split(want: 4096),
            .results([outcome(0, Payload(text: "a\nb\n")), outcome(7, .empty)]),
            .failure(failure, index: 9, attempts: 2), .capacity([1, 2]), .finish, .end,
        ]
        for call in calls {
            let bytes = coding.bytes(of: call)
            #expect(coding.bytes(of: try coding.call(from: bytes)) == bytes)
        }
        guard case .results(let outcomes) = try coding.call(from: coding.bytes(of: calls[2])) else {
            Issue.record("results came back as something else")
            return
        }
        #expect(outcomes[0].payload.slice.withBytes { Array($0) } == Array("a\nb\n".utf8))
        #expect(outcomes[1].index == 7)
    }

    @Test func `a result in the store is named, not copied`() throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let coding = try coding()
        let large = [UInt8](repeating: 65, count: 1 << 20)
        let id = try coding.blobs.put(large, pinnedFor: StoredResult.owner(of: TaskID(1)))
        let payload = try StoredResult.payload(id, in: coding.blobs)
        let bytes = coding.bytes(of: .results([outcome(1, payload)]))
        #expect(bytes.count < 200)
        guard case .results(let outcomes) = try coding.call(from: bytes) else { return }
        #expect(outcomes[0].payload.slice.count == large.count)
    }

    @Test func `a task's pins are named by it`() {
        #expect(StoredResult.task(ofOwner: StoredResult.owner(of: TaskID(41))) == TaskID(41))
        #expect(StoredResult.task(ofOwner: StoredResult.owner) == nil)
        #expect(StoredResult.task(ofOwner: "uploads") == nil)
    }

    @Test func `a call cut short is refused`() throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let coding = try coding()
        let bytes = coding.bytes(of: .results([outcome(0, Payload(text: "abc"))]))
        for count in 0..<bytes.count {
            #expect(throws: (any Error).self) { try coding.call(from: Array(bytes.prefix(count))) }
        }
    }

    @Test func `records come back as they were`() throws {
        let spec = RunSpec(id: RunID(4), seed: 9, tasks: [TaskSpec(id: TaskID(0), name: "t")])
        let worker = WorkerSpec(
            id: WorkerID(1), capacity: ResourceVector(milliCores: 1000, memoryBytes: 5))
        let records: [StateRecord] = [
            .engine(.event(.timeElapsed, at: Tick(77))),
            .engine(.run(spec, label: [1, 2], at: Tick(78))),
            .engine(.worker(worker, label: [3], at: Tick(79))),
            .call(task: TaskID(5), bytes: [9, 9]), .callPart(task: TaskID(5), bytes: [8]),
            .taskEnded(TaskID(6)),
        ]
        for record in records {
            #expect(try StateRecord(record.bytes).bytes == record.bytes)
            #expect(try StateRecord(record.bytes).moment == record.moment)
        }
        #expect(throws: CodingError.self) { try StateRecord([99]) }
    }

    @Test func `frames come out whole however the pieces are cut`() throws {
        let frames = (0..<40).map { [UInt8](repeating: UInt8($0), count: $0 * 11) }
        var bytes: [UInt8] = []
        for frame in frames { Frames.append(frame, to: &bytes) }
        for size in [1, 2, 7, 100, bytes.count] {
            var reader = Frames()
            var found: [[UInt8]] = []
            for start in stride(from: 0, to: bytes.count, by: size) {
                try reader.take(Array(bytes[start..<min(start + size, bytes.count)])) {
                    found.append($0)
                }
            }
            #expect(found == frames)
            #expect(reader.isAtEnd)
        }
    }

    @Test func `calls of a task are read as they were appended, and go with it`() throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let path = folder.appendingPathComponent("calls").path
        let files = try CallFiles(folder: path)
        let calls = (0..<3_000).map { [UInt8](repeating: UInt8($0 % 251), count: $0 % 700) }
        for call in calls { try files.append(call, to: TaskID(1)) }
        try files.append([1], to: TaskID(2))
        var read: [[UInt8]] = []
        try files.read(TaskID(1)) { read.append($0) }
        #expect(read == calls)
        files.remove(TaskID(1))
        #expect(files.tasks == [TaskID(2)])
        #expect(try FileManager.default.contentsOfDirectory(atPath: path) == ["2.calls"])
        #expect(try CallFiles(folder: path).tasks.isEmpty)
    }

    @Test func `what a worker says it has is cut to what can be summed up`() {
        var hello = WireHello()
        hello.capabilities.milliCores = .max
        hello.capabilities.memoryBytes = .max
        var label = WorkerLabel(hello, uid: "u", joined: 0)
        #expect(label.milliCores == WorkerLabel.maximumMilliCores)
        #expect(label.memoryBytes == WorkerLabel.maximumMemoryBytes)
        hello.capabilities.milliCores = -1
        hello.capabilities.cgroupMemoryBytes = 7
        label = WorkerLabel(hello, uid: "u", joined: 0)
        #expect(label.milliCores == 0)
        #expect(label.memoryBytes == 7)
    }

    @Test func `labels come back as they were`() throws {
        let run = RunLabel(
            name: "n", submitter: "s", submitted: 5, document: "pipeline.yaml",
            overrides: [.init(key: "a", value: "b")], idempotencyKey: "k", isOrchestrated: true,
            strategies: ["x"], outputs: ["o"])
        #expect(try RunLabel(run.bytes) == run)
        var worker = WorkerLabel(.init(), uid: "u", joined: 3)
        worker.labels = ["a=b"]
        worker.gpus = [.init(name: "g", uuid: "GPU-1", memoryBytes: 5)]
        #expect(try WorkerLabel(worker.bytes) == worker)
    }
}
