/// Where a plugin runs: `isolate:` in the pipeline.
package enum Isolation: String, Hashable, Sendable, CaseIterable {
    /// In a fanfold-helper of its own: its crash or hang is an error, not the end of the host.
    case process
    /// Inside the host.  Write `Isolation.none` where an optional is wanted: `.none` is `nil` there.
    case none
}

/// Decides whether a component runs in a process of its own.
///
/// What the user asks for holds.  Without that, what rents or runs things is always isolated, since
/// it talks to the world and may hang; what only decides is inside if its author is trusted.
package enum IsolationPolicy {
    /// Whether it runs in a process of its own.
    ///
    /// - Parameters:
    ///   - kind: what the component does; a kind that this host does not know is isolated.
    ///   - isBundled: whether its file came with the host.
    ///   - isTrusted: whether its file is signed by an allowed key or the user said `trusted: true`.
    ///   - asked: what the pipeline says, if it does.
    package static func isIsolated(
        kind: ComponentDescriptor.Kind, isBundled: Bool, isTrusted: Bool, asked: Isolation?
    ) -> Bool {
        if let asked { return asked == .process }
        switch kind {
        case .strategy, .policy: return !(isBundled || isTrusted)
        case .provider, .executor, .unknown: return true
        }
    }
}
