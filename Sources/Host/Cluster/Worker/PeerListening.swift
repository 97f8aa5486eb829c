import FanfoldWire
import Logging

/// Where a worker listens for others that want its blobs.
package enum PeerListening: Sendable, Hashable {
    /// At the address from which it reaches the coordinator, at a free port.
    case automatic
    /// Nowhere: others have its blobs from the coordinator.
    case nowhere
    /// Here; at `0.0.0.0` or `::` it says the address from which it reaches the coordinator.
    case at(WireAddress)

    /// Reads `auto`, `none` or an address.
    package init(_ text: String) throws(WireError) {
        switch text {
        case "auto": self = .automatic
        case "none": self = .nowhere
        default: self = .at(try WireAddress(text))
        }
    }

    /// Listens, if it is to.
    ///
    /// - Returns: the listener, and the address that others are told.
    /// - Throws: only where an address was said: one that was found is done without.
    func start(
        towards coordinator: WireAddress, as identity: PeerIdentity, blobs: any WireBlobSource,
        revoked: RevokedPeers, logger: Logger
    ) throws(WorkerProblem) -> (listener: PeerListener, told: WireAddress)? {
        let wanted: WireAddress
        switch self {
        case .nowhere: return nil
        case .at(let address): wanted = address
        case .automatic:
            guard let found = WireAddress.local(towards: coordinator) else {
                logger.warning(
                    "other workers have this one's blobs from the coordinator: no address leads there",
                    metadata: ["coordinator": "\(coordinator)"])
                return nil
            }
            wanted = found
        }
        do throws(WireError) {
            let listener = try PeerListener(
                at: wanted, as: identity, blobs: blobs, revoked: revoked, logger: logger)
            return (listener, Self.told(listener.address, coordinator))
        } catch {
            guard self == .automatic else {
                throw WorkerProblem(
                    "--listen: no other worker can connect to \(wanted) (\(error)); say another "
                        + "address of this machine, or `none`")
            }
            logger.warning(
                "other workers have this one's blobs from the coordinator",
                metadata: ["why": "\(error)"])
            return nil
        }
    }

    private static func told(
        _ address: WireAddress, _ coordinator: WireAddress
    ) -> WireAddress {
        guard case .host(let host, let port) = address, host == "0.0.0.0" || host == "::",
            case .host(let own, _)? = WireAddress.local(towards: coordinator)
        else { return address }
        return .host(own, port: port)
    }
}
