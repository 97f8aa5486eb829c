import CFanfoldSystem
import FanfoldBlobs
import FanfoldRuntime
import FanfoldWire
@preconcurrency import Glibc
import Synchronization

/// The folder of one run on a worker, with the executors of its plugins.
///
/// It is filled when the first order wants it, and again after a failure; it goes with the last
/// specification and the last attempt that name it.
final class RunPlace: Sendable {
    /// A folder that is complete.
    struct Ready: Sendable {
        var path: String
        var executors: ExecutorPlugins
    }

    /// Called once, on a thread that must not wait.
    typealias Answer = @Sendable (Result<Ready, EngineLogFailure>) -> Void

    private enum Phase {
        case empty
        case filling([Answer])
        case ready(Ready)
        case gone
    }

    let manifest: BlobReference
    private let path: String
    private let tools: RunPlaces.Tools
    private let phase = Mutex(Phase.empty)

    init(_ manifest: BlobReference, path: String, tools: RunPlaces.Tools) {
        self.manifest = manifest
        self.path = path
        self.tools = tools
    }

    /// The folder, if it is complete.
    var ready: Ready? {
        phase.withLock { if case .ready(let ready) = $0 { ready } else { nil } }
    }

    /// Sees to it that the folder is there.
    ///
    /// - Parameter session: the connection there is now; another one is tried after a failure.
    func whenReady(
        from session: @escaping @Sendable () -> WireSession?, _ answer: @escaping Answer
    ) {
        let known = phase.withLock { phase -> (Result<Ready, EngineLogFailure>?, starts: Bool) in
            switch phase {
            case .ready(let ready): return (.success(ready), false)
            case .gone: return (.failure(EngineLogFailure("its run is over")), false)
            case .filling(let others):
                phase = .filling(others + [answer])
                return (nil, false)
            case .empty:
                phase = .filling([answer])
                return (nil, true)
            }
        }
        if let result = known.0 { return answer(result) }
        guard known.starts else { return }
        _ = PlainThread(name: "run-folder") { [self] in
            end(fillInTime(from: session))
        }
    }

    /// Fills the folder; where there is no room for it, or no coordinator, it waits: neither a full disk
    /// nor a coordinator that is started again may eat up the tries of one subtask after the other.
    private func fillInTime(
        from session: @Sendable () -> WireSession?
    ) -> Result<Ready, EngineLogFailure> {
        var failures = 0
        var isTold = false
        var last = EngineLogFailure("there is no connection to the coordinator")
        while failures < Self.rounds, isWanted {
            guard let asked = session() else {
                usleep(OrderIntake.refetchMicroseconds)
                continue
            }
            do {
                let executors = try fill(from: SessionBlobs(asked, name: "coordinator"))
                return .success(Ready(path: path, executors: executors))
            } catch {
                fan_remove_tree(path)
                last = EngineLogFailure("\(error)")
                if Self.isForWantOfRoom(error) {
                    if !isTold {
                        tools.logger.error(
                            "no room for the files of a run: it waits",
                            metadata: ["why": "\(error)"])
                        isTold = true
                    }
                    usleep(OrderIntake.refetchMicroseconds)
                } else {
                    usleep(OrderIntake.refetchMicroseconds << UInt32(failures))
                    // What failed over a connection that ended says nothing of the files.
                    if session() == asked { failures += 1 }
                }
            }
        }
        return .failure(last)
    }

    /// Whether anybody still waits for the folder.
    private var isWanted: Bool {
        guard !tools.fetcher.isClosed else { return false }
        return phase.withLock { if case .gone = $0 { false } else { true } }
    }

    private static func isForWantOfRoom(_ error: any Error) -> Bool {
        (error as? BlobError)?.isForWantOfRoom ?? (error is NoRoom)
    }

    /// The disk has no room for a file.
    private struct NoRoom: Error, CustomStringConvertible {
        var description: String
    }

    private func end(_ result: Result<Ready, EngineLogFailure>) {
        let (answers, isGone) = phase.withLock { phase -> ([Answer], Bool) in
            guard case .filling(let answers) = phase else { return ([], true) }
            if case .success(let ready) = result { phase = .ready(ready) } else { phase = .empty }
            return (answers, false)
        }
        if isGone { fan_remove_tree(path) }
        for answer in answers { answer(result) }
    }

    /// Removes the folder; nothing of its run is here any more.
    func remove() {
        let last = phase.withLock { phase in
            defer { phase = .gone }
            return phase
        }
        switch last {
        case .empty, .gone: break
        // Who fills it finds that it is gone.
        case .filling(let answers):
            for answer in answers { answer(.failure(EngineLogFailure("its run is over"))) }
        case .ready(let ready):
            _ = PlainThread(name: "run-folder") { [path] in
                ready.executors.close()
                fan_remove_tree(path)
            }
        }
    }

    // MARK: Filling

    /// How often it is tried to fill the folder over connections that go on, with twice the pause after
    /// each try.
    private static let rounds = 4
    /// Files that are fetched at the same time.
    private static let window = 32
    /// How long one file may take.
    private static let fileSeconds: Int64 = 3_600

    private func fill(from source: SessionBlobs) throws -> ExecutorPlugins {
        guard manifest.size <= ShippingLimits.manifestBytes else {
            throw EngineLogFailure(
                "the list of files has \(manifest.size) bytes, more than "
                    + "ShippingLimits.manifestBytes = \(ShippingLimits.manifestBytes)")
        }
        try fetch([manifest], from: source)
        defer { unpin([manifest.id]) }
        let list = try RunManifest(try tools.store.read(manifest.id))
        fan_remove_tree(path)
        try PrivateFolder.make(path)
        var folders: Set<String> = [""]
        var rest = list.files[...]
        while !rest.isEmpty {
            let some = rest.prefix(Self.window)
            rest = rest.dropFirst(Self.window)
            let blobs = try some.map { file -> BlobReference in
                guard let id = BlobID(file.sha256) else {
                    throw EngineLogFailure("\(file.path) has no sum")
                }
                return BlobReference(id: id, size: file.size)
            }
            try fetch(blobs, from: source)
            defer { unpin(blobs.map(\.id)) }
            for (file, blob) in zip(some, blobs) { try place(file, blob.id, &folders) }
        }
        // Who runs here finds the files as they were submitted, however often it runs.
        for folder in folders.sorted().reversed() { chmod("\(path)/\(folder)", 0o500) }
        return tools.executors(list.declarations(in: path))
    }

    private func place(
        _ file: RunManifest.File, _ id: BlobID, _ folders: inout Set<String>
    ) throws {
        var folder = ""
        for part in file.path.split(separator: "/").dropLast() {
            folder += folder.isEmpty ? "\(part)" : "/\(part)"
            guard folders.insert(folder).inserted else { continue }
            guard mkdir("\(path)/\(folder)", 0o700) == 0 else { throw failure(folder) }
        }
        let name = "\(path)/\(file.path)"
        let descriptor = open(name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw failure(file.path) }
        defer { close(descriptor) }
        try tools.store.copy(id, to: descriptor)
        guard fchmod(descriptor, file.isExecutable ? 0o500 : 0o400) == 0 else {
            throw failure(file.path)
        }
    }

    private func failure(_ name: String) -> any Error {
        let code = errno
        let text = "\(name) cannot be made: \(String(cString: strerror(code)))"
        return code == ENOSPC || code == EDQUOT
            ? NoRoom(description: text) : EngineLogFailure(text)
    }

    /// Waits until all of them are in the store, pinned.
    private func fetch(_ blobs: [BlobReference], from source: SessionBlobs) throws {
        let done = TimedSemaphore()
        let found = Mutex<(pinned: [BlobID], problem: BlobError?, answers: Int)>(([], nil, 0))
        for blob in blobs {
            tools.fetcher.fetch(blob, from: [source], pinnedFor: RunPlaces.owner) { outcome in
                found.withLock { found in
                    found.answers += 1
                    switch outcome {
                    case .success(let blob): found.pinned.append(blob.id)
                    case .failure(let error): found.problem = found.problem ?? error
                    }
                }
                done.signal()
            }
        }
        var isLate = false
        // Signals that come together are one, so that answers are counted.
        while !isLate, found.withLock({ $0.answers }) < blobs.count {
            isLate = !done.wait(.seconds(Self.fileSeconds))
        }
        let (pinned, problem, _) = found.withLock { $0 }
        guard problem == nil, !isLate else {
            unpin(pinned)
            throw problem
                ?? EngineLogFailure("a file took longer than \(Self.fileSeconds) s") as any Error
        }
    }

    private func unpin(_ blobs: [BlobID]) {
        // What cannot be unpinned is when the worker starts next.
        try? tools.store.unpin(blobs, for: RunPlaces.owner)
    }
}
