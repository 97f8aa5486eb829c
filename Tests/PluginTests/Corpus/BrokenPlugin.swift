import Testing

/// A plugin in C that passes every check.
enum GoodPlugin: String, CaseIterable {
    case rows = "examples/c-rows/rows.c"
    case cloud = "examples/c-cloud/cloud.c"
    case words = "examples/c-words/words.c"
    case policy = "examples/c-prefer/prefer.c"

    /// Its folder and the name of its file.
    var parts: (folder: String, file: String) {
        let names = rawValue.split(separator: "/")
        return (names.dropLast().joined(separator: "/"), String(names[names.count - 1]))
    }
}

/// An example in C, broken in one way: `plugin check` must say so, and nothing else.
struct BrokenPlugin: Sendable, CustomTestStringConvertible {
    /// The check that must fail.
    var check: String
    /// Checks that fail with it because the same defect is what they look for too.
    var also: Set<String> = []
    /// Why they do.
    var why = ""
    /// What is broken.
    var good = GoodPlugin.rows
    /// What is replaced in the source or in a header beside it, each once; OWN in it is the folder
    /// in which the finished library is.
    var changes: [(find: String, replace: String)] = []
    /// What is added at its end.
    var tail = ""
    /// What is added to the command that builds it; NEIGHBOUR is replaced by what links it with
    /// the library below.
    var flags = ""
    /// The source of a library beside it, its file name, and how it is linked.
    var neighbour: (source: String, name: String, flags: String)?
    /// A command to be run on the finished library, which is `$library`.
    var finish = ""
    /// Another name for the finished file.
    var fileName: String?
    /// Whether it is run by itself: where the defect makes every other check slow.
    var isAlone = false

    var testDescription: String { check }

    /// What must fail.
    var expected: Set<String> { also.union([check]) }

    /// Every plugin of the corpus, in the order of the checks.
    static let corpus =
        fileCorpus + descriptionCorpus + instanceCorpus + skewCorpus + memoryCorpus + laneCorpus
        + strategyCorpus + callCorpus + providerCorpus + executorCorpus + isolationCorpus
}
