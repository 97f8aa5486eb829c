import FanfoldJSON
import PluginClouds
import PluginKit

/// What a container engine's errors mean.
///
/// Engines say a status and a sentence, and two engines say different statuses: the sentence is
/// looked at first.  Source: Docker Engine API 1.41 to 1.47, and Podman 4 to 5.
enum DockerErrors {
    /// Parts of sentences, in small letters, in the order in which they are looked for.
    private static let phrases: [(phrase: String, code: String)] = [
        ("no such image", "no-image"), ("image not known", "no-image"),
        ("pull access denied", "no-image"), ("manifest unknown", "no-image"),
        ("no such container", "no-container"), ("no container with name or id", "no-container"),
        ("removal of container", "being-removed"),
        ("is already in use", "name-in-use"), ("already exists", "name-in-use"),
        ("could not select device driver", "no-device"),
        ("range of cpus", "size"), ("minimum memory limit", "size"),
        ("memory limit allowed", "size"), ("invalid cpu", "size"),
        ("no such network", "network"), ("unable to find network", "network"),
        ("network not found", "network"), ("invalid volume", "bind"),
        ("invalid mount", "bind"), ("bind source path does not exist", "bind"),
        ("invalid reference format", "no-image"),
        ("executable file not found", "no-shell"),
        ("no such file or directory: unknown", "no-shell"),
        ("no space left on device", "full"), ("cannot allocate memory", "full"),
        ("resource temporarily unavailable", "full"), ("toomanyrequests", "throttled"),
        ("unauthorized", "unauthorized"), ("authentication required", "unauthorized"),
        ("denied by plugin", "denied"), ("permission denied", "denied"),
        ("context deadline exceeded", "busy"), ("i/o timeout", "busy"),
    ]

    static let table = CloudErrorTable(
        "the container engine",
        [
            "no-image": .wrong("/image"), "no-shell": .wrong("/image"),
            "no-container": .missing, "being-removed": .missing,
            "no-device": .wrong("/sizes"), "size": .wrong("/sizes"),
            "network": .wrong("/network"), "bind": .wrong("/binds"), "full": .capacity,
            "throttled": .throttled, "unauthorized": .credentials, "denied": .permission,
            "busy": .unavailable,
        ])

    /// The word for what a sentence says; empty if none is known.
    static func code(of sentence: String) -> String {
        let small = sentence.lowercased()
        if small.hasPrefix("network "), small.hasSuffix(" not found") { return "network" }
        return phrases.first { small.contains($0.phrase) }?.code ?? ""
    }

    /// What the host is told; `nil` for an answer that is no refusal.
    static func refusal(_ answer: HTTPAnswer) -> PluginError? {
        guard answer.status >= 400 else { return nil }
        let said = answer.json?["message"]?.stringValue ?? answer.json?["cause"]?.stringValue ?? ""
        let code = code(of: said)
        if code == "name-in-use" || answer.status == 409 && code.isEmpty {
            return PluginError(
                .exists, reason: "request.\(code)", "there is such a container already: \(said)")
        }
        return table.error(code, said, answer)
    }
}
