/// What a handler tells the listener or client that made it, on the event loop.
protocol SessionOwner: AnyObject, Sendable {
    /// The connection is there, encrypted if it has to be: a client says Hello.
    func sessionIsConnected(_ session: WireSession)
    /// Hello came.
    func session(_ session: WireSession, said hello: WireHello)
    /// Join came.
    func session(_ session: WireSession, said join: WireJoin)
    /// Renew came.
    func session(_ session: WireSession, said renew: WireRenew)
    /// Welcome came.
    func session(_ session: WireSession, said welcome: WireWelcome) throws(WireError)
    /// Joined came.
    func session(_ session: WireSession, said joined: WireJoined)
    /// Renewed came.
    func session(_ session: WireSession, said renewed: WireRenewed)
    /// What the owner's delegate gets.
    var sessionDelegate: (any WireSessionDelegate)? { get }
    /// The connection is over: once for each.
    func sessionIsOver(_ session: WireSession, reason: WireError)
}

extension SessionOwner {
    func sessionIsConnected(_ session: WireSession) {}
    func session(_ session: WireSession, said hello: WireHello) {}
    func session(_ session: WireSession, said join: WireJoin) {}
    func session(_ session: WireSession, said renew: WireRenew) {}
    func session(_ session: WireSession, said welcome: WireWelcome) throws(WireError) {}
    func session(_ session: WireSession, said joined: WireJoined) {}
    func session(_ session: WireSession, said renewed: WireRenewed) {}
}
