import FanfoldCore

extension ScalingSimulation {
    /// Whose the machines are.
    static let owner = "simulation"

    // MARK: Work

    /// Work comes, runs and ends, and machines boot and go, in the order of time.
    mutating func advance(to end: UInt64) {
        var moment = now
        while moment < end {
            moment = min(end, nextMoment(after: moment))
            while nextArrival < arrivals.count, arrivals[nextArrival].at <= moment {
                waiting.append(
                    (nextArrival, arrivals[nextArrival].count, arrivals[nextArrival].at))
                nextArrival += 1
            }
            endJobs(at: moment)
            boot(at: moment)
            place(at: moment)
        }
    }

    private func nextMoment(after moment: UInt64) -> UInt64 {
        var next = FakeCloud.never
        if nextArrival < arrivals.count { next = max(moment + 1, arrivals[nextArrival].at) }
        for host in hosts.values {
            for job in host.jobs { next = min(next, max(moment + 1, job.ends)) }
        }
        for cloud in clouds.values {
            for machine in cloud.machines.values {
                if machine.boots > moment { next = min(next, machine.boots) }
                if machine.takenBack > moment { next = min(next, machine.takenBack) }
            }
        }
        return next
    }

    private mutating func endJobs(at moment: UInt64) {
        for name in hosts.keys.sorted() {
            guard var host = hosts[name] else { continue }
            for job in host.jobs where job.ends <= moment {
                host.ledger.release(job.slot)
                report.done += 1
                left[job.arrival] -= 1
                if left[job.arrival] == 0, let deadline = arrivals[job.arrival].deadline,
                    job.ends > deadline
                {
                    report.late += 1
                }
                report.ended(job.came, at: job.ends)
            }
            let before = host.jobs.count
            host.jobs.removeAll { $0.ends <= moment }
            if host.jobs.isEmpty, before > 0 { host.idleSince = moment }
            hosts[name] = host
        }
    }

    private mutating func boot(at moment: UInt64) {
        for pool in settings.pools {
            guard let cloud = clouds[pool.name] else { continue }
            for machine in cloud.machines.values {
                let state = machine.state(at: moment, notice: cloud.noticeNanoseconds)
                if state == .gone {
                    lose(machine.id, at: moment)
                } else if moment >= machine.boots, hosts[machine.id] == nil,
                    let offering = pool.offerings.first(where: { $0.name == machine.kind })
                {
                    hosts[machine.id] = Host(
                        ledger: Ledger(total: offering.resources, labels: offering.labels),
                        idleSince: moment)
                }
            }
        }
    }

    /// What ran on a machine begins again elsewhere.
    private mutating func lose(_ name: String, at moment: UInt64) {
        guard let host = hosts.removeValue(forKey: name) else { return }
        for job in host.jobs {
            report.lostNanoseconds += moment - min(moment, job.begun)
            report.begunAgain += 1
            waiting.insert((job.arrival, 1, job.came), at: 0)
        }
    }

    private mutating func place(at moment: UInt64) {
        guard !waiting.isEmpty else { return }
        let takers = hosts.keys.sorted().filter { name in
            ["active", "starting"].contains(scaler.member(name)?.phase)
        }
        let spot = Set(takers.filter { isSpot($0) })
        // What is in the net goes first, and to workers that stay.
        let isInNet = waiting.map { scaler.market(of: Self.run($0.arrival)) == .net }
        for index in waiting.indices.filter({ isInNet[$0] })
            + waiting.indices.filter({ !isInNet[$0] })
        {
            let arrival = arrivals[waiting[index].arrival]
            for name in takers
            where waiting[index].count > 0 && !(isInNet[index] && spot.contains(name)) {
                while waiting[index].count > 0 {
                    let slot = SlotID(index: nextSlot, generation: 0)
                    guard hosts[name]?.ledger.reserve(arrival.request, by: slot) == true else {
                        break
                    }
                    nextSlot &+= 1
                    waiting[index].count -= 1
                    let came = waiting[index].came
                    report.began(came, at: moment)
                    hosts[name]?.jobs.append(
                        Job(
                            arrival: waiting[index].arrival, came: came, begun: moment,
                            ends: moment + max(1, arrival.nanoseconds), slot: slot))
                }
            }
        }
        waiting.removeAll { $0.count == 0 }
    }

    private func isSpot(_ name: String) -> Bool {
        guard let member = scaler.member(name),
            let pool = settings.pools.first(where: { $0.name == member.pool })
        else { return false }
        return pool.offerings.first { $0.name == member.offering }?.isSpot ?? false
    }

    // MARK: What the scaler sees

    /// The number of the run that an arrival is.
    static func run(_ arrival: Int) -> RunID { RunID(UInt64(arrival)) }

    /// The run of an arrival that has a deadline.
    private func timed(_ arrival: Int) -> RunID? {
        arrivals[arrival].deadline == nil ? nil : Self.run(arrival)
    }

    /// What is left of arrivals that have a deadline.
    private func runs() -> [ScalingRun] {
        var running: [Int: (count: Int, ran: Double)] = [:]
        for host in hosts.values {
            for job in host.jobs where arrivals[job.arrival].deadline != nil {
                let before = running[job.arrival] ?? (0, 0)
                let ran = Double(now - min(now, job.begun))
                running[job.arrival] = (before.count + 1, before.ran + ran)
            }
        }
        return (0..<nextArrival).compactMap { arrival in
            guard let deadline = arrivals[arrival].deadline, left[arrival] > 0 else { return nil }
            var run = ScalingRun(
                run: Self.run(arrival), deadline: Tick(deadline),
                request: arrivals[arrival].request, count: left[arrival])
            run.running = running[arrival]?.count ?? 0
            run.ranNanoseconds = running[arrival]?.ran ?? 0
            run.longestNanoseconds = Double(arrivals[arrival].nanoseconds)
            run.workNanoseconds = run.longestNanoseconds * Double(left[arrival])
            return run
        }
    }

    mutating func facts() -> ScalingFacts {
        var facts = ScalingFacts(at: Tick(now))
        facts.demand = waiting.map {
            ScalingDemand(
                request: arrivals[$0.arrival].request, count: $0.count,
                nanoseconds: arrivals[$0.arrival].nanoseconds, run: timed($0.arrival))
        }
        facts.runs = runs()
        for pool in settings.pools {
            guard let cloud = clouds[pool.name] else { continue }
            if random.upTo(999) < faults.silent, hasLists {
                facts.unlisted.insert(pool.name)
                continue
            }
            for machine in cloud.machines.values.sorted(by: { $0.id < $1.id }) {
                let state = machine.state(at: now, notice: cloud.noticeNanoseconds)
                if state != .gone { facts.workers.append(worker(machine, state, pool.name)) }
            }
        }
        hasLists = true
        return facts
    }

    private func worker(
        _ machine: FakeCloud.Machine, _ state: FakeCloud.Machine.State, _ pool: String
    ) -> ScalingWorker {
        var worker = ScalingWorker(
            name: machine.id, pool: pool, offering: machine.kind,
            launch: UInt64(machine.token.split(separator: "-").last ?? "") ?? 0)
        guard let host = hosts[machine.id] else {
            worker.isReady = false
            worker.isInterrupted = state == .stopping
            return worker
        }
        worker.isInterrupted = state == .stopping
        for job in host.jobs {
            let request = arrivals[job.arrival].request
            let run = timed(job.arrival)
            let ran = now - min(now, job.begun)
            if let place = worker.running.firstIndex(where: {
                $0.request == request && $0.run == run
            }) {
                worker.running[place].count += 1
                if run != nil { worker.running[place].ranNanoseconds += ran }
            } else {
                var running = ScalingDemand(request: request, count: 1, run: run)
                if run != nil { running.ranNanoseconds = ran }
                worker.running.append(running)
            }
            worker.workNanoseconds += ran
        }
        if host.jobs.isEmpty { worker.idleSince = Tick(host.idleSince) }
        return worker
    }

    // MARK: What the scaler wants

    mutating func carryOut(_ decision: ScalingDecision) {
        switch decision.action {
        case .launch(let id, let offering, let count):
            let times = random.upTo(999) < faults.repeating ? 2 : 1
            for _ in 0..<times { launch(id, decision.pool, offering, count) }
        case .drain(let name): scaler.drained(name, at: Tick(now))
        case .terminate(let name):
            guard random.upTo(999) >= faults.failing else { return }
            for pool in clouds.keys.sorted() { clouds[pool]?.terminate([name], at: now) }
        case .cancelDrain, .adopt, .recommend, .keep: break
        }
    }

    private mutating func launch(
        _ id: UInt64, _ pool: String, _ offering: String, _ count: Int
    ) {
        guard random.upTo(999) >= faults.failing else { return }
        let token = "\(pool)-\(id)"
        report.asked[token] = max(count, report.asked[token] ?? 0)
        do throws(FakeCloud.Refusal) {
            let made = try clouds[pool]?.launch(
                [offering], least: 1, most: count, token: token, owner: Self.owner, at: now)
            guard random.upTo(999) >= faults.losing else { return }
            scaler.launched(id, names: (made ?? []).map(\.id), at: Tick(now))
        } catch {
            report.refused += 1
            guard random.upTo(999) >= faults.losing else { return }
            scaler.launchFailed(id, at: Tick(now))
        }
    }

    // MARK: Rules

    /// What must hold after each look, whatever went wrong.
    mutating func check() {
        var alive = 0
        for (place, pool) in settings.pools.enumerated() {
            guard let cloud = clouds[pool.name] else { continue }
            let there = cloud.machines.values.filter {
                $0.state(at: now, notice: cloud.noticeNanoseconds) != .gone
            }
            alive += there.count
            if max(there.count, scaler.count(of: place)) > pool.maximum {
                report.problems.append("\(now): pool \(pool.name) has more than max")
            }
            for (token, machines) in Dictionary(grouping: cloud.machines.values, by: \.token)
            where machines.count > report.asked[token] ?? 0 {
                report.problems.append(
                    "\(now): launch \(token) made \(machines.count), asked was "
                        + "\(report.asked[token] ?? 0)")
            }
        }
        report.mostWorkers = max(report.mostWorkers, alive)
        if let hourly = scaler.settings.hourlyBudgetMicros, scaler.microsPerHour > hourly,
            settings.pools.allSatisfy({ clouds[$0.name]?.hasFixedPrices ?? true })
        {
            report.problems.append("\(now): more is paid by the hour than the budget allows")
        }
        if let total = settings.totalBudgetMicros, scaler.spentMicros > total {
            report.problems.append("\(now): more was spent than the budget allows")
        }
    }
}

extension FakeCloud {
    /// Whether no price changes.
    var hasFixedPrices: Bool { kinds.allSatisfy { $0.prices.count < 2 } }
}
