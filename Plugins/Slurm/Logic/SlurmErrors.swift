import FanfoldJSON
import PluginClouds
import PluginKit

/// What errors of Slurm mean, by its sentences: the numbers differ between versions.
///
/// Source: slurm_errno of Slurm 22.05 to 24.05.
enum SlurmErrors {
    private static let phrases: [(phrase: String, code: String)] = [
        ("invalid job id", "no-job"), ("job/step already completing", "no-job"),
        ("invalid partition", "partition"), ("invalid account", "account"),
        ("requested node configuration is not available", "size"),
        ("more processors requested", "size"), ("invalid generic resource", "size"),
        ("memory required by task is not available", "size"),
        ("job violates", "quota"), ("limit exceeded", "quota"),
        ("access/permission denied", "denied"), ("user not allowed", "denied"),
        ("authentication", "login"), ("invalid auth", "login"), ("expired", "login"),
        ("unable to contact", "down"), ("connection refused", "down"),
        ("communication", "down"), ("timed out", "down"), ("temporarily", "down"),
        ("zero bytes", "down"), ("socket", "down"), ("backup", "down"),
        ("requested nodes are busy", "busy"), ("partition is down", "busy"),
        ("required partition not available", "busy"), ("nodes not avail", "busy"),
    ]

    static let table = CloudErrorTable(
        "Slurm",
        [
            "no-job": .missing, "partition": .wrong("/partition"), "account": .wrong("/account"),
            "size": .wrong("/sizes"), "quota": .quota, "denied": .permission,
            "login": .credentials, "down": .unavailable, "busy": .capacity,
        ])

    /// What the host is told; `nil` for an answer that is no refusal.
    ///
    /// An error stands in the body, whatever the status says.
    static func refusal(_ answer: HTTPAnswer) -> PluginError? {
        let first = answer.json?["errors"]?[0]
        guard answer.status >= 400 || first != nil else { return nil }
        let said = [first?["error"], first?["description"]].compactMap { $0?.stringValue }
            .joined(separator: ", ")
        let small = said.lowercased()
        let code = phrases.first { small.contains($0.phrase) }?.code ?? ""
        return table.error(
            table.meaning(of: code, status: answer.status == 200 ? 400 : answer.status),
            code.isEmpty ? "\(answer.status)" : code, said)
    }
}
