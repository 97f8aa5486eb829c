import CFanfoldSystem
import FanfoldBlobs
@preconcurrency import Glibc

/// What the blob store costs, beside `sha256sum` and `cp` on the same file.
struct BlobBench {
    /// Bytes of the file that goes in and out.
    static let fileBytes = 256 << 20
    /// Small blobs that are put and read, and bytes of one.
    static let smallBlobs = 2_000
    static let smallBytes = 64 << 10

    let context: HostContext
    let rounds: Int

    private enum Kind: String, CaseIterable {
        case sha256sum
        case copy = "cp"
        case putIn = "in"
        case putDurable = "in, flushed"
        case out
        case verify = "checked"
        case map = "mapped and summed up"
    }

    func measure() throws -> [String] {
        let folder = context.scratchDirectory + "/blobs"
        mkdir(folder, 0o700)
        defer { fan_remove_tree(folder) }
        let path = folder + "/file"
        try write(path)
        var figures: [Kind: Figures] = [:]
        var smallIn = Figures()
        var smallOut = Figures()
        do {
            for round in 0..<rounds {
                for (kind, time) in try times(folder, path, round) {
                    figures[kind, default: Figures()].add(Double(Self.fileBytes >> 20) / time)
                }
                let (put, read) = try smallTimes("\(folder)/small-\(round)")
                smallIn.add(Double(Self.smallBlobs) / put)
                smallOut.add(Double(Self.smallBlobs) / read)
            }
        } catch {
            Terminal.complain("error: \(error)")
            throw Exit.runFailed
        }
        return Kind.allCases.map { kind in
            "blobs: \(kind.rawValue): \((figures[kind] ?? Figures()).text()) MiB/s"
        } + [
            "blobs: of \(Self.smallBytes >> 10) KiB, not flushed: \(smallIn.text()) a second in, "
                + "\(smallOut.text()) a second out"
        ]
    }

    /// Seconds of each kind, one after the other, so that they share what the machine is like.
    private func times(_ folder: String, _ path: String, _ round: Int) throws -> [Kind: Double] {
        var times: [Kind: Double] = [:]
        times[.sha256sum] = try time(of: ["sha256sum", path])
        times[.copy] = try time(of: ["cp", "--reflink=never", path, folder + "/copy"])
        unlink(folder + "/copy")
        for (kind, durability) in [(Kind.putIn, BlobDurability.cache), (.putDurable, .durable)] {
            let store = try open("\(folder)/\(kind)-\(round)", durability)
            var blob = BlobReference(id: BlobID.of([]), size: 0)
            times[kind] = try seconds { blob = try store.put(path: path) }
            if kind == .putIn {
                times[.out] = try seconds { try copyOut(store, blob.id, folder + "/out") }
                times[.verify] = try seconds { try store.verify(blob.id) }
                times[.map] = try seconds {
                    let sum = try store.map(blob.id).withBytes {
                        $0.bindMemory(to: UInt64.self).reduce(0, &+)
                    }
                    precondition(sum != 0, "the file is noise")
                }
            }
            unlink(folder + "/out")
            try store.remove(blob.id)
        }
        return times
    }

    private func smallTimes(_ folder: String) throws -> (put: Double, read: Double) {
        let store = try open(folder, .cache)
        var bytes = [UInt8](repeating: 7, count: Self.smallBytes)
        var ids: [BlobID] = []
        let put = try seconds {
            for number in 0..<Self.smallBlobs {
                withUnsafeBytes(of: number) { bytes.replaceSubrange(0..<8, with: $0) }
                ids.append(try store.put(bytes))
            }
        }
        let read = try seconds { for id in ids { _ = try store.read(id) } }
        for id in ids { try store.remove(id) }
        return (put, read)
    }

    private func open(_ folder: String, _ durability: BlobDurability) throws -> BlobStore {
        try BlobStore(folder: folder, durability: durability)
    }

    private func copyOut(_ store: BlobStore, _ id: BlobID, _ path: String) throws {
        let file = Glibc.open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        defer { close(file) }
        try store.copy(id, to: file)
    }

    private func write(_ path: String) throws {
        guard let file = fopen(path, "w") else {
            Terminal.complain("error: \(path) could not be written")
            throw Exit.runFailed
        }
        defer { fclose(file) }
        var state: UInt64 = 1
        var block = [UInt64](repeating: 0, count: 1 << 16)
        for _ in 0..<(Self.fileBytes / (8 * block.count)) {
            for place in block.indices {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                block[place] = state
            }
            fwrite(block, 8, block.count, file)
        }
    }

    private func time(of words: [String]) throws -> Double {
        try seconds {
            var child: pid_t = 0
            var arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
            defer { for argument in arguments { free(argument) } }
            var actions = posix_spawn_file_actions_t()
            posix_spawn_file_actions_init(&actions)
            defer { posix_spawn_file_actions_destroy(&actions) }
            posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0)
            var status: Int32 = 1
            if posix_spawnp(&child, words[0], &actions, nil, &arguments, environ) == 0 {
                while waitpid(child, &status, 0) == -1 && errno == EINTR {}
            }
            guard status == 0 else {
                Terminal.complain("error: \(words[0]) did not work")
                throw Exit.runFailed
            }
        }
    }
}
