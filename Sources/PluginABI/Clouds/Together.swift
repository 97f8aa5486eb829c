import PluginKit

/// Things that are asked for at a time and waited for together, all on the one lane of a provider.
public final class Together<Value> {
    private var results: [Result<Value, PluginError>?]
    private var left: Int
    private let done: ([Result<Value, PluginError>]) -> Void

    private init(_ count: Int, _ done: @escaping ([Result<Value, PluginError>]) -> Void) {
        results = Array(repeating: nil, count: count)
        left = count
        self.done = done
    }

    /// Begins all of them; `done` is told the results in the same order once the last has come.
    ///
    /// Each is to answer once; what it answers after that changes nothing.
    public static func run(
        _ all: [(@escaping (Result<Value, PluginError>) -> Void) -> Void],
        done: @escaping ([Result<Value, PluginError>]) -> Void
    ) {
        guard !all.isEmpty else { return done([]) }
        let together = Together(all.count, done)
        for (index, one) in all.enumerated() {
            one { together.take($0, at: index) }
        }
    }

    private func take(_ result: Result<Value, PluginError>, at index: Int) {
        guard results[index] == nil else { return }
        results[index] = result
        left -= 1
        if left == 0 { done(results.compactMap { $0 }) }
    }
}
