import CFanfoldSystem
import FanfoldJSON
import FanfoldPlugins
@preconcurrency import Glibc

/// Two versions of a plugin in one process, whose instances work in turns.
enum SideBySide {
    /// Not a check: what a version does that is alone in its process.
    static let question = CheckCase(
        name: "lives-fingerprint", subject: .instance, consequence: "",
        body: { .passed(fingerprint(try lines($0))) })

    /// How often one version does all its work within the work of the other, at most.
    private static let turns = 3
    /// After so many calls it is the other's turn.
    private static let callsPerTurn = 4

    static func check(_ context: CheckContext) throws -> CheckOutcome {
        let alone = try lines(context)
        let copy = try Copy(of: context)
        var others = [(path: copy.path, alone: fingerprint(alone))]
        if let since = context.since {
            let answer = CheckRunner(path: since, seed: context.seed).run(question)
            // What the version before does wrong by itself is not this one's fault.
            if answer.status == .passed { others.append((since, answer.message)) }
        }
        for other in others {
            CheckTrace.phase("beside \(other.path == copy.path ? "a copy of itself" : other.path)")
            let theirs = CheckContext(path: other.path, seed: context.seed)
            let name = other.path == copy.path ? "a copy of it" : "the version before"
            let found = try lines(theirs) { try beAsEver(context, fingerprint(alone), "it", name) }
            guard fingerprint(found) == other.alone else {
                throw CheckStop.failed("\(name) works differently when this one is loaded too")
            }
            let again = try lines(context) { try beAsEver(theirs, other.alone, name, "it") }
            if let difference = LifeSubject.difference(alone, again) {
                throw CheckStop.failed(
                    "it works differently when \(name) is loaded too: \(difference)")
            }
        }
        return .passed("beside \(others.count == 1 ? "a copy" : "a copy and the version before")")
    }

    private static func beAsEver(
        _ context: CheckContext, _ wanted: String, _ name: String, _ other: String
    ) throws {
        guard fingerprint(try lines(context)) == wanted else {
            throw CheckStop.failed(
                "\(name) works differently between the calls of \(other): the two versions share "
                    + "something, for example a library beside them, or a symbol that is unique in "
                    + "the process")
        }
    }

    /// One life of every component, in this process; `turn` is called a few times meanwhile.
    private static func lines(
        _ context: CheckContext, turn: @escaping () throws -> Void = {}
    ) throws -> [String] {
        let plugin: LoadedPlugin
        do {
            plugin = try context.registry().load(path: context.path)
        } catch {
            throw CheckStop.failed(error.message)
        }
        var left = turns
        return try LifeSubject.all(context).flatMap { subject in
            let items = subject.isStrategy ? try subject.items() : 0
            return try subject.transcript(in: plugin, seed: context.seed, items: items) { number in
                guard number % callsPerTurn == callsPerTurn - 1, left > 0 else { return }
                left -= 1
                try turn()
            }
        }
    }

    /// FNV-1a, by Fowler, Noll and Vo.
    private static func fingerprint(_ lines: [String]) -> String {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for line in lines {
            for byte in line.utf8 { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
        }
        return String(hash, radix: 16)
    }

    /// The library once more, in a folder of its own and with another hash, so that it is loaded
    /// beside the first one.
    private final class Copy {
        private static let chunkBytes = 1 << 20
        private let folder: String
        let path: String

        init(of context: CheckContext) throws {
            mkdir(CheckContext.cacheDirectory, 0o700)
            var template = Array((CheckContext.cacheDirectory + "/beside-XXXXXX").utf8CString)
            guard mkdtemp(&template) != nil else {
                throw CheckStop.skipped("no folder for a copy: \(String(cString: strerror(errno)))")
            }
            folder = String(
                decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
            let name = context.path.split(separator: "/").last.map(String.init) ?? "plugin.so"
            path = folder + "/" + name
            guard Self.copy(context.path, to: path) else {
                throw CheckStop.skipped("it cannot be copied: \(String(cString: strerror(errno)))")
            }
            let neighbours = try FileChecks.inspect(context).facts.needed
            let source = realpath(context.path, nil)
            defer { free(source) }
            let from = source.map { String(cString: $0) } ?? context.path
            let beside = from.lastIndex(of: "/").map { String(from[..<$0]) } ?? "."
            for neighbour in neighbours where access("\(beside)/\(neighbour)", F_OK) == 0 {
                symlink("\(beside)/\(neighbour)", "\(folder)/\(neighbour)")
            }
        }

        deinit {
            fan_remove_tree(folder)
        }

        /// Copies a library, and adds a byte that nobody reads.
        private static func copy(_ from: String, to: String) -> Bool {
            guard let source = fopen(from, "rb") else { return false }
            defer { fclose(source) }
            guard let target = fopen(to, "wb") else { return false }
            defer { fclose(target) }
            var buffer = [UInt8](repeating: 0, count: chunkBytes)
            while true {
                let count = fread(&buffer, 1, buffer.count, source)
                if count == 0 { break }
                guard fwrite(buffer, 1, count, target) == count else { return false }
            }
            return fputc(0, target) == 0 && chmod(to, 0o700) == 0
        }
    }
}
