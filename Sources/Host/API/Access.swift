/// What a token lets its bearer do.
package enum Role: String, Hashable, Sendable, CaseIterable {
    /// Everything.
    case admin
    /// Hands in, cancels and repeats runs, and reads.
    case submit
    /// Reads.
    case read
    /// Joins as a worker on this machine; nothing of the API.
    case worker

    /// Whether it may do what asks for `needed`.
    package func allows(_ needed: Role) -> Bool {
        switch self {
        case .admin: needed != .worker
        case .submit: needed == .submit || needed == .read
        case .read: needed == .read
        case .worker: needed == .worker
        }
    }
}

/// Who may call a route.
enum Access: Hashable, Sendable {
    /// Everybody who can connect.
    case anyone
    /// Whoever has a token with this role, or one that includes it.
    case role(Role)
}

/// Who calls.
package struct Identity: Hashable, Sendable {
    /// The token's id.
    package var token: String
    /// The token's name.
    package var name: String
    /// What it lets do.
    package var role: Role

    /// The bearer of a token.
    package init(token: String, name: String, role: Role) {
        self.token = token
        self.name = name
        self.role = role
    }
}
