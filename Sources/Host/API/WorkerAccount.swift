import FanfoldJSON

/// All that is known of one worker.
package struct WorkerAccount: Hashable, Sendable {
    /// How much of its silence is unusual.
    package enum Trust: String, Hashable, Sendable, CaseIterable {
        /// It is heard as usual.
        case trusted
        /// It gets nothing new.
        case suspected
        /// What has not started on it is asked back.
        case doubted
    }

    /// An attempt on it.
    package struct Attempt: Hashable, Sendable {
        /// How far it is.
        package enum Status: String, Hashable, Sendable, CaseIterable {
            /// It runs.
            case running
            /// It runs, and was told to end.
            case ending
            /// It waits behind others there.
            case queued
        }

        /// Its run.
        package var run: UInt64
        /// Its task's name.
        package var task: String
        /// Its subtask.
        package var subtask: UInt32
        /// Which try of the subtask it is, from 1.
        package var attempt: Int
        /// How far it is.
        package var status: Status
        /// Since when it runs.
        package var since: Timestamp?
        /// What is reserved for it.
        package var reserved = ResourceAmounts(milliCores: 0, memoryBytes: 0)
        /// Its GPUs, by their places in the worker's list, from 0.
        package var gpus: [Int] = []
        /// How much of it is done, 0 to 1, if it says so.
        package var fraction: Double?

        /// An attempt.
        package init(
            run: UInt64, task: String, subtask: UInt32, attempt: Int, status: Status
        ) {
            self.run = run
            self.task = task
            self.subtask = subtask
            self.attempt = attempt
            self.status = status
        }
    }

    /// A task of a run.
    package struct Place: Hashable, Sendable {
        /// The run.
        package var run: UInt64
        /// The task's name.
        package var task: String

        /// A task of a run.
        package init(run: UInt64, task: String) {
            self.run = run
            self.task = task
        }
    }

    /// What it is kept for: nothing else gets anything there.
    package struct Kept: Hashable, Sendable {
        /// What it is kept for.
        package var place: Place
        /// Subtasks that are to get room there still.
        package var slots: Int
        /// When it is everybody's again at last.
        package var until: Timestamp
        /// Whether attempts were ended there to make room.
        package var isPreemptive: Bool

        /// What a worker is kept for.
        package init(place: Place, slots: Int, until: Timestamp, isPreemptive: Bool) {
            self.place = place
            self.slots = slots
            self.until = until
            self.isPreemptive = isPreemptive
        }
    }

    /// How it is rented.
    package struct Rental: Hashable, Sendable {
        /// The provider's name of it.
        package var name: String
        /// Its pool.
        package var pool: String
        /// The provider of the pool.
        package var provider: String
        /// What it is.
        package var offering: String
        /// `starting`, `active`, `draining` or `ending`.
        package var phase: String
        /// Since when it is counted.
        package var since: Timestamp
        /// What it costs in an hour.
        package var perHour: Double

        /// How a worker is rented.
        package init(
            name: String, pool: String, provider: String, offering: String, phase: String,
            since: Timestamp, perHour: Double
        ) {
            self.name = name
            self.pool = pool
            self.provider = provider
            self.offering = offering
            self.phase = phase
            self.since = since
            self.perHour = perHour
        }
    }

    /// What lists say of it.
    package var worker: WorkerDetail
    /// Whether it is connected now.
    package var isConnected = false
    /// How much of its silence is unusual; `nil` for one that is gone.
    package var trust: Trust?
    /// The same as a number of decimal digits: at 1 one suspicion in ten is wrong.
    package var suspicion: Double?
    /// What is on it, at most ``APILimits/workerAttempts``.
    package var attempts: [Attempt] = []
    /// How many attempts are on it.
    package var attemptCount = 0
    /// Attempts that failed there since the last that succeeded.
    package var failuresInARow = 0
    /// Tasks of which something failed there last and succeeded elsewhere.
    package var blamedFor: [Place] = []
    /// Times that it was put in quarantine since an attempt last succeeded there.
    package var quarantines = 0
    /// What it is kept for.
    package var kept: Kept?
    /// How it is rented; `nil` for one that nobody rents.
    package var rental: Rental?

    /// A worker of which no more is known than lists say.
    package init(_ worker: WorkerDetail) { self.worker = worker }
}

extension WorkerAccount {
    var json: JSON {
        var object = JSONObject(worker.json.objectValue?.members ?? [])
        object["is_connected"] = .bool(isConnected)
        object.set("trust", trust.map { .string($0.rawValue) })
        object.set("suspicion", suspicion.map(JSON.number))
        object["attempts"] = .array(attempts.map(\.json))
        object.set("attempt_count", attemptCount)
        object.set("failures_in_a_row", failuresInARow)
        object["blamed_for"] = .array(blamedFor.map(\.json))
        object.set("quarantines", quarantines)
        object.set("kept_for", kept?.json)
        object.set("rental", rental?.json)
        return .object(object)
    }
}

extension WorkerAccount.Attempt {
    fileprivate var json: JSON {
        var object = JSONObject()
        object["run"] = .integer(Int64(clamping: run))
        object["task"] = .string(task)
        object["subtask"] = .integer(Int64(subtask))
        object.set("attempt", attempt)
        object["status"] = .string(status.rawValue)
        object.set("since", since)
        object["reserved"] = reserved.json
        object["gpus"] = .array(gpus.map { .integer(Int64($0)) })
        object.set("fraction", fraction.map(JSON.number))
        return .object(object)
    }
}

extension WorkerAccount.Place {
    fileprivate var json: JSON {
        ["run": .integer(Int64(clamping: run)), "task": .string(task)]
    }
}

extension WorkerAccount.Kept {
    fileprivate var json: JSON {
        [
            "run": .integer(Int64(clamping: place.run)), "task": .string(place.task),
            "slots": .integer(Int64(slots)), "until": .string(until.text),
            "is_preemptive": .bool(isPreemptive),
        ]
    }
}

extension WorkerAccount.Rental {
    fileprivate var json: JSON {
        [
            "name": .string(name), "pool": .string(pool), "provider": .string(provider),
            "offering": .string(offering), "phase": .string(phase), "since": .string(since.text),
            "per_hour": .number(perHour),
        ]
    }
}

extension Schemas {
    /// What is known of one worker besides what lists say.
    static let accountMembers: KeyValuePairs<String, JSON> = [
        "is_connected": boolean,
        "trust?": oneOf(WorkerAccount.Trust.allCases.map(\.rawValue)), "suspicion?": number,
        "attempts": list(
            object([
                "run": integer(), "task": text, "subtask": integer(), "attempt": integer(1),
                "status": oneOf(WorkerAccount.Attempt.Status.allCases.map(\.rawValue)),
                "since?": moment, "reserved": named("Amounts"), "gpus": list(integer()),
                "fraction?": number,
            ]), maximum: APILimits.workerAttempts),
        "attempt_count": integer(), "failures_in_a_row": integer(),
        "blamed_for": list(object(["run": integer(), "task": text])), "quarantines": integer(),
        "kept_for?": object([
            "run": integer(), "task": text, "slots": integer(), "until": moment,
            "is_preemptive": boolean,
        ]),
        "rental?": object([
            "name": text, "pool": text, "provider": text, "offering": text, "phase": text,
            "since": moment, "per_hour": number,
        ]),
    ]
}
