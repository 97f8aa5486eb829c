import CFanfoldSystem
import FanfoldBlobs
import FanfoldRuntime
import FanfoldWire
import Logging
import Synchronization

/// The folders of runs on a worker: made when something names them, removed when nothing does.
final class RunPlaces: Sendable {
    /// What fills a folder.
    struct Tools: Sendable {
        var store: BlobStore
        var fetcher: BlobFetcher
        /// The executors of plugins that came with a run.
        var executors: @Sendable ([PluginDeclaration]) -> ExecutorPlugins
        var logger: Logger
    }

    /// Who pins what is on its way into a folder.
    static let owner = "run-folders"

    private struct Key: Hashable {
        var run: UInt64
        var manifest: BlobID
    }

    private struct Entry {
        var place: RunPlace
        /// Specifications and attempts that name it.
        var holds: Int
    }

    private struct State {
        var entries: [Key: Entry] = [:]
        var keys: [ObjectIdentifier: Key] = [:]
        var made = 0
    }

    private let folder: String
    private let tools: Tools
    private let state = Mutex(State())

    /// Begins with nothing: what an earlier process left is removed.
    init(folder: String, tools: Tools) {
        self.folder = folder
        self.tools = tools
        fan_remove_tree(folder)
        // What cannot be unpinned stays in the cache.
        try? tools.store.unpinAll(of: Self.owner)
    }

    /// The folder of a run, held once more.
    func hold(run: UInt64, manifest: BlobReference) -> RunPlace {
        state.withLock { state in
            let key = Key(run: run, manifest: manifest.id)
            if let known = state.entries[key] {
                state.entries[key]?.holds += 1
                return known.place
            }
            state.made += 1
            let place = RunPlace(
                manifest, path: "\(folder)/\(run)-\(state.made)", tools: tools)
            state.entries[key] = Entry(place: place, holds: 1)
            state.keys[ObjectIdentifier(place)] = key
            return place
        }
    }

    /// Holds a folder once more.
    func hold(_ place: RunPlace) {
        state.withLock { state in
            guard let key = state.keys[ObjectIdentifier(place)] else { return }
            state.entries[key]?.holds += 1
        }
    }

    /// Lets go; the last who does has the folder removed.
    func release(_ place: RunPlace) {
        let isLast = state.withLock { state in
            guard let key = state.keys[ObjectIdentifier(place)], var entry = state.entries[key]
            else { return false }
            entry.holds -= 1
            state.entries[key] = entry.holds > 0 ? entry : nil
            if entry.holds == 0 { state.keys[ObjectIdentifier(place)] = nil }
            return entry.holds == 0
        }
        if isLast { place.remove() }
    }
}
