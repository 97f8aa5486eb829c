import FanfoldJSON
import PluginClouds
import PluginKit

/// What errors of Ray mean, by its sentences: a refusal is often a status of 500 with the end of a
/// Python program's life.
///
/// Source: Ray 2.60, Jobs REST API, as recorded from a head with token authentication.
enum RayErrors {
    /// Parts of sentences, in small letters, in the order in which they are looked for.
    private static let phrases: [(phrase: String, code: String)] = [
        ("already exists", "job-exists"), ("does not exist", "no-job"),
        ("authentication token", "token"), ("unauthorized", "token"),
        ("non-terminal state", "still-ends"), ("no available agent", "no-agent"),
        ("only stop submission type", "not-ours"), ("only delete submission type", "not-ours"),
        ("entrypoint_num_", "size"), ("entrypoint_memory", "size"),
        ("entrypoint_resources", "resources"), ("env_vars", "environment"),
        ("runtime_env", "environment"), ("metadata", "tags"),
    ]

    static let table = CloudErrorTable(
        "Ray",
        [
            "no-job": .missing, "token": .credentials, "still-ends": .unavailable,
            "no-agent": .unavailable, "not-ours": .wrong(""), "size": .wrong("/sizes"),
            "resources": .wrong("/resources"), "environment": .wrong("/environment"),
            "tags": .wrong(""),
        ])

    /// What the host is told; `nil` for an answer that is no refusal.
    static func refusal(_ answer: HTTPAnswer) -> PluginError? {
        guard answer.status >= 400 else { return nil }
        let said = sentence(in: String(decoding: answer.body.prefix(65_536), as: UTF8.self))
        let small = said.lowercased()
        let code = phrases.first { small.contains($0.phrase) }?.code ?? ""
        if code == "job-exists" {
            return PluginError(
                .exists, reason: "request.\(code)", "there is such a job already: \(said)")
        }
        return table.error(code, said, answer)
    }

    /// The last line of a text that says something: of a traceback, what went wrong.
    static func sentence(in text: String) -> String {
        let lines = text.split(whereSeparator: \.isNewline)
        let last = lines.last { line in line.contains { $0.isLetter } }
        guard let last else { return "" }
        let start = last.firstIndex { !$0.isWhitespace } ?? last.startIndex
        return String(last[start...].prefix(400))
    }
}
