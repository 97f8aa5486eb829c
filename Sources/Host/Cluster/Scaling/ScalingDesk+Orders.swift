import FanfoldAPI
import FanfoldCore
import FanfoldPlugins
import FanfoldRuntime
import FanfoldWire

extension ScalingDesk {
    /// Has something done that was decided; what goes to a provider goes when it is on disk.
    ///
    /// - Parameter listing: who lists the workers that are to be ended.
    func carryOut(
        _ decision: ScalingDecision, _ listing: [String: ClusterScaling.Provider],
        _ loop: inout EngineLoop
    ) {
        switch decision.action {
        case .launch(let id, let offering, let count):
            launch(id, decision.pool, offering, count, &loop)
        case .drain(let name):
            // Not told to the worker, so that it can be taken back.
            if let worker = worker(name, loop) {
                loop.handle(.workerDraining(worker), at: loop.now)
            }
            books.scaler.drained(name, at: books.scaler.latest)
            books.isChanged = true
        case .cancelDrain(let name):
            if let worker = worker(name, loop) {
                loop.handle(.workerDrainCancelled(worker), at: loop.now)
            }
        case .terminate(let name):
            end(name, listing[name] ?? provider(ofPool: decision.pool), &loop)
        case .adopt, .recommend, .keep: break
        }
        guard decision.action != .keep else { return }
        logger.info(
            "scaling",
            metadata: ["pool": "\(decision.pool)", "what": "\(decision.sentence)"])
    }

    private func worker(_ name: String, _ loop: EngineLoop) -> WorkerID? {
        hub.instances[name].map(\.worker).flatMap { worker in
            loop.standing(of: worker).map { _ in worker }
        }
    }

    // MARK: Launching

    private func launch(
        _ id: UInt64, _ pool: String, _ offering: String, _ count: Int, _ loop: inout EngineLoop
    ) {
        guard let provider = provider(ofPool: pool), let declared = declaration(ofPool: pool),
            books.launching.insert(id).inserted
        else { return }
        let boot: String
        do {
            boot = try bootScript(declared, offering, count, isLocal: provider.isLocal, &loop)
        } catch {
            books.launching.remove(id)
            refuse(provider.name, "no worker can be started: \(error)")
            return failed(id)
        }
        let request = RentalRequest(
            token: LaunchToken(owner: owner, pool: pool, launch: id).text, offerings: [offering],
            least: 1, most: count, boot: boot, tags: ["owner": owner, "pool": pool],
            expires: WallClock.text(
                WallClock.now() + UInt64(declared.leaseSeconds) * 1_000_000_000))
        loop.afterCommit { [self] in
            ask(provider) { [self] fleet in
                let answer = Result { () throws(PluginFailure) in try fleet.launch(request) }
                engine.perform { [self] loop, _ in
                    launched(id, provider.name, answer, &loop)
                }
            }
        }
    }

    private func bootScript(
        _ pool: PoolDeclaration, _ offering: String, _ count: Int, isLocal: Bool,
        _ loop: inout EngineLoop
    ) throws -> String {
        guard let entrance = open else { throw BootProblem(description: "nothing is served yet") }
        let isSpot = books.memory.offerings[pool.name]?.first { $0.name == offering }?.isSpot
        let labels = pool.workerLabels(isSpot: isSpot ?? false)
        var data: BootData
        if let file = entrance.tokenFile {
            guard isLocal else {
                throw BootProblem(
                    description: "workers of pool \(pool.name) are not processes of this machine "
                        + "and need certificates: serve with --tls, or with --workers ADDRESS")
            }
            data = BootData(join: entrance.address.description)
            data.tokenFile = file
        } else {
            let made = try tokens.make(
                JoinTokenRequest(
                    lifetimeSeconds: ClusterScaling.tokenSeconds, maximumUses: count,
                    labels: labels), now: .now())
            if let entry = tokens.entry(made.summary.id) {
                journal.change(.putToken(entry))
                loop.demandCommit()
            }
            data = BootData(join: made.secret)
        }
        data.leaseSeconds = pool.leaseSeconds
        data.program = pool.program
        data.programSHA256 = pool.programSHA256
        data.options = labels.flatMap { ["--label", $0] }
        if isLocal,
            let size = books.memory.offerings[pool.name]?.first(where: {
                $0.name == offering
            })
        {
            data.options += [
                "--cpus", "\(Double(size.resources.milliCores) / 1_000)", "--memory",
                "\(size.resources.memoryBytes)B",
            ]
        }
        return try data.script()
    }

    private func launched(
        _ id: UInt64, _ provider: String, _ answer: Result<[RentedWorker], PluginFailure>,
        _ loop: inout EngineLoop
    ) {
        guard !books.isEvaluating else {
            return books.waiting.append { [self] loop in launched(id, provider, answer, &loop) }
        }
        books.launching.remove(id)
        switch answer {
        case .success(let workers):
            books.tries[id] = nil
            let names = workers.filter { $0.state != "gone" }.map(\.id)
            books.scaler.launched(id, names: names, at: books.scaler.latest)
        case .failure(let failure):
            logger.warning(
                "a launch failed",
                metadata: ["provider": "\(provider)", "why": "\(failure.message)"])
            books.tries[id, default: 0] += 1
            switch failure.retry {
            case .elsewhere: failed(id)
            case .never, .renewed:
                refuse(provider, failure.message)
                failed(id)
            case .later:
                // Whether it took effect nobody knows: the same is asked again, and if it stays so
                // others are asked; what was made after all is found by its tags.
                guard books.tries[id] ?? 0 >= ClusterScaling.launchTries else { return }
                refuse(provider, failure.message, for: ClusterScaling.silentNanoseconds)
                failed(id)
            }
        }
        recordSoon()
    }

    private func failed(_ id: UInt64) {
        books.tries[id] = nil
        books.scaler.launchFailed(id, at: books.scaler.latest)
        books.isChanged = true
    }

    /// A provider is left alone for a while.
    private func refuse(
        _ provider: String, _ why: String, for time: UInt64 = ClusterScaling.refusedNanoseconds
    ) {
        books.refusals[provider] = (WallClock.now() + time, why)
        books.isChanged = true
    }

    // MARK: Ending

    private func end(
        _ name: String, _ provider: ClusterScaling.Provider?, _ loop: inout EngineLoop
    ) {
        books.ended[name] = WallClock.now()
        if let worker = worker(name, loop) { hub.drain(worker, in: &loop, at: loop.now) }
        guard let provider else { return }
        loop.afterCommit { [self] in
            ask(provider) { [self] fleet in
                let answer = Result { () throws(PluginFailure) in try fleet.terminate([name]) }
                guard case .failure(let failure) = answer else { return }
                logger.warning(
                    "a worker could not be ended; it is tried again",
                    metadata: ["worker": "\(name)", "why": "\(failure.message)"])
            }
        }
    }
}
