extension Scaler {
    /// Makes the members agree with what the providers list.
    mutating func reconcile(_ turn: inout ScalingTurn) {
        for worker in turn.facts.workers {
            if members[worker.name] != nil {
                see(worker)
            } else {
                find(worker, &turn)
            }
        }
        for name in members.keys.sorted() where turn.byName[name] == nil {
            guard let member = members[name],
                !turn.facts.unlisted.contains(settings.pools[member.pool].name)
            else { continue }
            // One that was launched a moment ago may not be listed yet.
            let waited = clock.nanoseconds - member.since.nanoseconds
            guard member.isSeen || waited >= Limits.unlistedNanoseconds else { continue }
            if !member.isSeen {
                pools[member.pool].records[member.offering].failed(at: clock)
            }
            members[name] = nil
        }
        for name in names(where: { $0.isInterrupted && $0.phase == .active }) {
            drain(name, .interrupted, &turn)
        }
        endWhatIsNeverReady(&turn)
    }

    /// Ends workers that their provider lists and that take no work: something in them is broken.
    private mutating func endWhatIsNeverReady(_ turn: inout ScalingTurn) {
        for name in names(where: { $0.phase != .ending && $0.lastReady < clock })
        where turn.byName[name]?.isReady == false {
            guard let member = members[name] else { continue }
            let boot = bootNanoseconds(member.pool, member.offering)
            let last = max(member.since, member.lastReady)
            guard
                clock.nanoseconds - last.nanoseconds
                    >= Limits.neverReadyNanoseconds + 2 * boot
            else { continue }
            pools[member.pool].records[member.offering].failed(at: clock)
            end(name, .neverReady, &turn)
        }
    }

    private mutating func see(_ worker: ScalingWorker) {
        members[worker.name]?.isSeen = true
        if worker.isReady { noteReady(worker.name) }
        guard worker.isInterrupted, let member = members[worker.name], !member.isInterrupted else {
            return
        }
        members[worker.name]?.isInterrupted = true
        pools[member.pool].records[member.offering].interrupted(at: clock)
    }

    /// A worker with our tag that is not counted: ours by an earlier life, or nobody's.
    private mutating func find(_ worker: ScalingWorker, _ turn: inout ScalingTurn) {
        guard let pool = settings.pools.firstIndex(where: { $0.name == worker.pool }),
            let offering = settings.pools[pool].offerings.firstIndex(where: {
                $0.name == worker.offering
            })
        else {
            decide(.terminate(worker.name), .orphan, in: worker.pool, &turn)
            return
        }
        let isAwaited = launches[worker.launch] != nil
        members[worker.name] = Member(
            pool: pool, offering: offering, launch: worker.launch, since: clock, isSeen: true)
        // Launches are never numbered again, also when the numbers were lost.
        nextLaunch = max(nextLaunch, worker.launch &+ 1)
        see(worker)
        if !isAwaited { decide(.adopt(worker.name), .found, in: worker.pool, &turn) }
    }

    /// Ends workers that drained and on which nothing runs any more.
    mutating func endWhatIsDrained(_ turn: inout ScalingTurn) {
        for name in names(where: { $0.phase == .draining }) {
            guard let worker = turn.byName[name], worker.running.allSatisfy({ $0.count == 0 })
            else { continue }
            end(name, .drained, &turn)
        }
    }

    /// Says again what has had no effect for a while.
    mutating func repeatOrders(_ turn: inout ScalingTurn) {
        func isDue(_ ordered: Tick) -> Bool {
            clock.nanoseconds - ordered.nanoseconds >= Limits.scalingRepeatNanoseconds
        }
        for name in names(where: { $0.phase == .ending && isDue($0.ordered) }) {
            end(name, .endMissing, &turn)
        }
        for id in launches.keys.sorted() {
            guard let launch = launches[id], isDue(launch.ordered) else { continue }
            launches[id]?.ordered = clock
            decide(
                .launch(
                    id, offering: offering(launch.pool, launch.offering).name,
                    count: launch.count),
                .answerMissing, in: settings.pools[launch.pool].name, &turn)
        }
    }

    mutating func drain(
        _ name: String, _ reason: ScalingDecision.Reason, _ turn: inout ScalingTurn
    ) {
        guard let member = members[name], member.phase == .active else { return }
        members[name]?.phase = .draining
        decide(.drain(name), reason, in: settings.pools[member.pool].name, &turn)
    }

    mutating func end(
        _ name: String, _ reason: ScalingDecision.Reason, _ turn: inout ScalingTurn
    ) {
        guard let member = members[name] else { return }
        members[name]?.phase = .ending
        members[name]?.ordered = clock
        decide(.terminate(name), reason, in: settings.pools[member.pool].name, &turn)
    }

    mutating func decide(
        _ action: ScalingDecision.Action, _ reason: ScalingDecision.Reason, in pool: String,
        _ turn: inout ScalingTurn, alternatives: [ScalingDecision.Alternative] = []
    ) {
        turn.decisions.append(
            ScalingDecision(
                at: clock, pool: pool, action: action, reason: reason,
                inputs: inputs(of: pool, turn), alternatives: alternatives))
    }

    private func inputs(of name: String, _ turn: ScalingTurn) -> ScalingDecision.Inputs {
        var inputs = ScalingDecision.Inputs()
        inputs.microsPerHour = microsPerHour
        inputs.spentMicros = spentMicros
        inputs.unmetSlots = turn.unmetSlots
        inputs.forecast = turn.forecasts[name]
        guard let pool = settings.pools.firstIndex(where: { $0.name == name }) else {
            return inputs
        }
        for member in members.values where member.pool == pool {
            if member.phase != .active {
                inputs.leaving += 1
            } else {
                inputs.workers += 1
                // What takes work was seen to in this evaluation.
                if member.lastReady < clock { inputs.starting += 1 }
            }
        }
        let awaited = launches.reduce(0) {
            $0 + ($1.value.pool == pool ? outstanding($1.key) : 0)
        }
        inputs.workers += awaited
        inputs.starting += awaited
        inputs.utilisation = utilisation(of: pool, turn.projection)
        return inputs
    }

    /// Share of the pool that is used, or will be.
    func utilisation(of pool: Int, _ projection: Projection) -> Double {
        let count = projection.count(of: pool)
        return count == 0 ? 0 : projection.load(of: pool) / Double(count)
    }
}
