import NIOCore
import NIOPosix
import NIOSSL

/// Makes one connection.
enum WireConnecting {
    /// Decides whether a peer that showed these certificates is the right one.
    typealias Verifying = @Sendable ([NIOSSLCertificate]) -> Bool

    /// Connects; `failed` is called if no connection comes about, otherwise the owner is told all.
    static func connect(
        to address: WireAddress, on loop: any EventLoop, tls: NIOSSLContext?,
        side: SessionRules.Side, owner: any SessionOwner, limits: WireLimits,
        verifying: Verifying? = nil, failed: @escaping @Sendable (WireError) -> Void
    ) {
        let bootstrap = ClientBootstrap(group: loop)
            .connectTimeout(.milliseconds(limits.handshakeMilliseconds))
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let decoder = LimitedFrameDecoder(limit: limits.frameBytes)
                    let handler = SessionHandler(
                        WireSession(channel: channel, place: address.description), side: side,
                        owner: owner, limits: limits, usesTLS: tls != nil, decoder: decoder)
                    if let tls {
                        try channel.pipeline.syncOperations.addHandler(
                            secure(tls, verifying: verifying))
                    }
                    try channel.pipeline.syncOperations.addHandlers([
                        ByteToMessageHandler(decoder), handler,
                    ])
                }
            }
        let connecting =
            switch address {
            case .unix(let path): bootstrap.connect(unixDomainSocketPath: path)
            case .host(let host, let port): bootstrap.connect(host: host, port: port)
            }
        connecting.whenFailure { error in
            failed(.system("cannot connect to \(address): \(error)"))
        }
    }

    private static func secure(
        _ tls: NIOSSLContext, verifying: Verifying?
    ) throws -> NIOSSLClientHandler {
        guard let verifying else {
            return try NIOSSLClientHandler(context: tls, serverHostname: nil)
        }
        return try NIOSSLClientHandler(
            context: tls, serverHostname: nil,
            customVerificationCallback: { chain, promise in
                promise.succeed(verifying(chain) ? .certificateVerified : .failed)
            })
    }
}
