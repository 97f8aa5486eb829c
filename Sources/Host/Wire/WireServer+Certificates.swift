extension WireServer {
    /// Characters of a name at most.
    static let nameBytes = 256
    /// Labels of a worker that joins at most.
    static let labels = 64

    func session(_ session: WireSession, said join: WireJoin) {
        guard case .coordinator(let authority, let tokens, _) = security else {
            return turnAway(session, .wrongPurpose)
        }
        let theirs = join.protocolMin...max(join.protocolMin, join.protocolMax)
        guard session.identity == nil, WorkerUID.isValid(join.workerUid),
            join.name.utf8.count <= Self.nameBytes, join.labels.count <= Self.labels,
            WireVersion.common(versions, theirs) != nil
        else { return turnAway(session, .badRequest) }
        guard let token = JoinToken(bytes: Array(join.token)) else {
            return turnAway(session, .wrongToken)
        }
        let request = JoinRequest(
            digest: token.digest, uid: join.workerUid, name: join.name, labels: join.labels,
            address: session.peerAddress)
        let signing = Array(join.signingRequest)
        // The token is looked at first: who has none makes nobody check a signature.
        tokens.redeem(request) { result in
            switch result {
            case .failure(let denial): self.turnAway(session, denial)
            case .success(let grant):
                do throws(IdentityError) {
                    let issued = try authority.issue(signing, uid: request.uid)
                    self.delegate.server(
                        issued: WireIssued(
                            uid: request.uid, serial: issued.serial, notAfter: issued.notAfter,
                            token: grant.token, scope: grant.scope))
                    let joined = WireJoined.with {
                        $0.certificate = .init(issued.certificate)
                        $0.authority = .init(authority.certificate)
                    }
                    session.order(.answerAndClose(WireMessage(.joined(joined))))
                } catch {
                    self.turnAway(session, .badRequest)
                }
            }
        }
    }

    func session(_ session: WireSession, said renew: WireRenew) {
        guard case .coordinator(let authority, _, let isRevoked) = security,
            case .worker(let uid, let serial)? = session.identity
        else { return turnAway(session, .wrongPurpose) }
        guard !isRevoked(uid, serial) else { return turnAway(session, .revoked) }
        do throws(IdentityError) {
            let issued = try authority.issue(Array(renew.signingRequest), uid: uid)
            delegate.server(
                issued: WireIssued(
                    uid: uid, serial: issued.serial, notAfter: issued.notAfter, token: nil,
                    scope: JoinScope()))
            let renewed = WireRenewed.with {
                $0.certificate = .init(issued.certificate)
                $0.authority = .init(authority.certificate)
            }
            session.order(.answer(WireMessage(.renewed(renewed))))
        } catch {
            turnAway(session, .badRequest)
        }
    }
}
